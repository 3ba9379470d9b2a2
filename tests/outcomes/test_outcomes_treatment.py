"""What counts as treatment: every drug that the arms give, support left aside."""

from dataclasses import replace

import polars as pl

import synthetic
from cereblon.outcomes.data import arm_data


def test_a_cycle_counts_with_a_dose_of_any_drug_of_the_treatment() -> None:
    result = synthetic.study(40)
    arm = result.trial.arms[0].model_dump(mode="json")
    arm["treatment"] = [*arm["treatment"], {"drug": "dexamethasone", "dose": "20 mg"}]
    design = result.trial.model_validate({**result.trial.model_dump(mode="json"), "arms": [arm]})
    assert design.treatment == ("lenalidomide", "dexamethasone")
    weeks = result.table("exposure")
    first, other = (pl.col("ADY") <= 28, pl.col("USUBJID") % 2 == 0)
    second = weeks.with_columns(DRUG=pl.when(first & other).then(pl.lit("dexamethasone")).otherwise(pl.col("DRUG")))
    given = {
        name: arm_data(replace(result, trial=trial, tables={**result.tables, "exposure": table}))["continuous"]
        for name, trial, table in (
            ("one drug", result.trial, weeks),
            ("two drugs", design, second),
            ("support", result.trial, second),
        )
    }
    assert (given["one drug"].cycles_given == given["two drugs"].cycles_given).all()
    assert given["support"].cycles_given.sum() < given["one drug"].cycles_given.sum()
