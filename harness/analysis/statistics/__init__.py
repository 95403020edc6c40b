"""What an expert asks of a comparison: paired, anytime, cost-aware, each with the number of searches it rests on."""

from harness.analysis.statistics.answer import Advice, Answer, Ground, Standing, answer, yardstick_of
from harness.analysis.statistics.anytime_bands import Band, Line, band, band_of, bands, lines
from harness.analysis.statistics.cost_to_target import Reaching, cost_to_target, is_disturbed, reaching, speedup
from harness.analysis.statistics.curve_areas import Area, Frame, areas, frame
from harness.analysis.statistics.gains_and_overtuning import Gain, Overtuning, over_random, over_untuned, overtuning
from harness.analysis.statistics.importance import Effect, Importance, importance
from harness.analysis.statistics.interval_estimates import Estimate
from harness.analysis.statistics.pairwise_comparisons import Comparison, comparisons
from harness.analysis.statistics.profiles import Profile, Profiles, profiles
from harness.analysis.statistics.score_per_cost import ValuePerUnit, gain_rate, score_rate
from harness.analysis.statistics.tuner_ranks import Ranks, ranks
from harness.analysis.statistics.verdicts import ALPHA, Answered, Question, Verdict, Verdicts, verdicts
from harness.analysis.statistics.verdicts_and_answer import Judged, judged

__all__ = [
    "ALPHA",
    "Advice",
    "Answer",
    "Answered",
    "Area",
    "Band",
    "Comparison",
    "Effect",
    "Estimate",
    "Frame",
    "Gain",
    "Ground",
    "Importance",
    "Judged",
    "Line",
    "Overtuning",
    "Profile",
    "Profiles",
    "Question",
    "Ranks",
    "Reaching",
    "Standing",
    "ValuePerUnit",
    "Verdict",
    "Verdicts",
    "answer",
    "areas",
    "band",
    "band_of",
    "bands",
    "comparisons",
    "cost_to_target",
    "frame",
    "gain_rate",
    "importance",
    "is_disturbed",
    "judged",
    "lines",
    "over_random",
    "over_untuned",
    "overtuning",
    "profiles",
    "ranks",
    "reaching",
    "score_rate",
    "speedup",
    "verdicts",
    "yardstick_of",
]
