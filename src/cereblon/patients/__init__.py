"""Virtual patients: covariates that match a printed baseline, and between-subject variability."""

from cereblon.patients.chance import draw_noise as draw_noise
from cereblon.patients.chance import draw_thresholds as draw_thresholds
from cereblon.patients.cohort import Cohort as Cohort
from cereblon.patients.cohort import draw_cohort as draw_cohort
from cereblon.patients.conditioning import Match as Match
from cereblon.patients.conditioning import Plan as Plan
from cereblon.patients.conditioning import plan_population as plan_population
from cereblon.patients.covariates import COVARIATES as COVARIATES
from cereblon.patients.covariates import Covariate as Covariate
from cereblon.patients.documents import SETTINGS as SETTINGS
from cereblon.patients.population import PRINTED as PRINTED
from cereblon.patients.population import Eligibility as Eligibility
from cereblon.patients.population import Population as Population
from cereblon.patients.population import Printed as Printed
