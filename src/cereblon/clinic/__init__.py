"""What a study site does: trial documents, orders, visits, dose rules, response and toxicity criteria."""
