"""A small model with every feature of the real one and parts that have closed-form answers."""

from __future__ import annotations

from cereblon.model import Model, Parameter, load_model_text

TOY = """
unit day = 86400 second
unit per_day = 1/86400 second
unit gcell = 1e9 item
unit gcell_per_day = 1e9 item / 86400 second
unit mg = 1e-3 gram
compartment body; body = 1; body has litre

// clock: fast
gut = 0; gut has mg
transit1 = 0; transit1 has mg
transit2 = 0; transit2 has mg
central = 0; central has mg
excreted = 0; excreted has mg
gut' = -ktr*gut
transit1' = ktr*gut - ktr*transit1
transit2' = ktr*transit1 - ktr*transit2
central' = ktr*transit2 - ke_now*central
excreted' = ke_now*central
ke_now := ke*kidney;                          ke_now has per_day
steroid_gut = 0; steroid_gut has mg
steroid_gut' = -ks*steroid_gut
occupancy := central/(ec50 + central);        occupancy has dimensionless
ikzf = 1; ikzf has dimensionless
ikzf' = turnover*(1 - ikzf) - turnover*potency*occupancy*ikzf
protein = 1; protein has dimensionless
protein' = turnover*(ikzf - protein)
drive := (1 - ikzf)^3/(half^3 + (1 - ikzf)^3);  drive has dimensionless

// clock: slow
kidney = 1; kidney has dimensionless
kidney' = recovery*(1 - kidney)
substanceOnly species node in body; node has gcell
substanceOnly species blood in body; blood has gcell
substanceOnly species logistic in body; logistic has gcell
substanceOnly species fading in body; fading has gcell
node = node0
blood = 0.5*node0
logistic = 0.1*capacity
fading = node0
birth: => node; supply
grow: node => 2 node; growth*node*support
leave: node => blood; egress*(1 + drive)*node
return: blood => node; homing*blood
die: blood => ; death*blood
kill: node => ; kill_max*drive*effector^2/(1 + effector^2)*node
rise: => logistic; growth*logistic*(1 - logistic/capacity)
fade: fading => ; death*fading
support := 1/(1 + (node + blood)/capacity);    support has dimensionless
effector = 0.2; effector has dimensionless
effector' = stiff*(0.1 + burden/(burden + capacity) - effector)
exposure = 0; exposure has mg_day
exposure' = central
unit mg_day = 1e-3 gram * 86400 second
inflammation = 0; inflammation has dimensionless
inflammation' = damped_gain - damped_rate*inflammation
// clock: fast
switch := piecewise(fast_on, drive > inflammation, fast_off)/(1 + steroid_gut/steroid50);  switch has per_day
damped_gain := switch*drive;                   damped_gain has per_day
damped_rate := switch;                         damped_rate has per_day
// clock: slow
burden := node + blood;                        burden has gcell

node0 = 10; node0 has gcell
capacity = 100; capacity has gcell
supply = 0.02; supply has gcell_per_day
ktr = 120; ktr has per_day
ke = 6; ke has per_day
ks = 5; ks has per_day
ec50 = 1; ec50 has mg
turnover = 9; turnover has per_day
potency = 12; potency has dimensionless
half = 0.5; half has dimensionless
recovery = 0.1; recovery has per_day
growth = 0.03; growth has per_day
egress = 0.4; egress has per_day
homing = 0.6; homing has per_day
death = 0.05; death has per_day
kill_max = 0.4; kill_max has per_day
stiff = 6; stiff has per_day
fast_on = 0.8; fast_on has per_day
fast_off = 0.02; fast_off has per_day
steroid50 = 2; steroid50 has mg

gut notes "claim: absorption; source: T1; says: swallowed drug leaves the gut"
transit1 notes "claim: absorption; source: T1; says: chain"
transit2 notes "claim: absorption; source: T1; says: chain"
central notes "claim: absorption; source: T1, T2; says: drug in the body"
excreted notes "source: T1; says: mass balance"
steroid_gut notes "source: T3; says: steroid"
ikzf notes "claim: loss; source: T4; says: target lost under the drug"
protein notes "claim: loss; source: T4; says: follows its target"
kidney notes "source: T5; says: recovers"
effector notes "source: T6; says: follows the drive quickly"
exposure notes "source: T1; says: area under the curve"
inflammation notes "source: T6; says: quick on, slow off"
birth notes "source: T6; says: supply"
grow notes "claim: growth, niche; source: T6; says: division in the node, less when crowded"
leave notes "source: T6; says: egress, more with the drug"
return notes "source: T6; says: homing"
die notes "source: T6; says: death in blood"
kill notes "source: T6; says: killing"
rise notes "source: T6; says: logistic growth"
fade notes "source: T6; says: exponential decay"
node identity "https://identifiers.org/CL:0000236"
"""

INDIVIDUAL = ("ke", "growth", "egress", "node0")


def toy(extra: str = "") -> Model:
    """The toy with `INDIVIDUAL` parameters per subject."""
    text, rows = TOY + extra, {}
    for line in TOY.splitlines():
        name = line.split(" = ")[0].strip()
        if name in INDIVIDUAL and "has" in line:
            value, unit = line.split(" = ")[1].split(";")[0], line.split(" has ")[1].strip()
            rows[name] = Parameter(name, float(value), unit, "lognormal", 0.3, source="toy")
            text = text.replace(line + "\n", "\n")
    return load_model_text(text, rows)
