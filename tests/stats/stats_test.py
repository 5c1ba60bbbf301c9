"""Compares the statistics of common/stats with SciPy's, statsmodels' and NumPy's.

Run by run.sh, in its virtual environment, with EVALUATE_STATS in the environment: the program that
evaluates our functions. Samples and generators have fixed seeds.
"""

import json
import math
import os
import subprocess
import unittest

import numpy as np
from scipy import stats
from statsmodels.stats import multitest

INF = math.inf
LEAST_BOOTSTRAP = 15
MOST_EXACT = 24
RANDOM_SIGNS = 100_000


def encoded(value):
  if isinstance(value, float) and math.isinf(value):
    return str(value)
  if isinstance(value, (list, np.ndarray)):
    return [encoded(element) for element in np.asarray(value).tolist()]
  return value


def decoded(value):
  if isinstance(value, str) and value.lstrip("-") in ("inf", "nan"):
    return float(value)
  if isinstance(value, dict):
    return {key: decoded(element) for key, element in value.items()}
  return value


def samples(sizes):
  """Yields samples of each size: skewed, with ties, of equal magnitudes, and of rounded shares."""
  rng = np.random.default_rng(1)
  for n in sizes:
    yield rng.normal(0.3, 1, n)
    yield rng.exponential(1, n) - 0.5
    yield -rng.lognormal(0, 1, n)
    yield rng.integers(-2, 3, n).astype(float)
    yield rng.choice([-1.0, 1.0], n)
    # Differences of accuracies on 60,000 images: their sums tie but for rounding.
    baseline = rng.integers(57_000, 59_000, n)
    yield (baseline + rng.integers(-3, 5, n)) / 60_000 - baseline / 60_000


def varied(sizes):
  """Yields the samples that have at least two different values."""
  for sample in samples(sizes):
    if np.ptp(sample) > 1e-9:
      yield sample


def with_infinities(sizes, *infinities):
  """Yields samples of which some values are infinite, in any share."""
  rng = np.random.default_rng(2)
  for n in sizes:
    for share in (0, 0.3, 0.5, 0.8, 1):
      sample = np.round(rng.exponential(3, n), 1)
      sample[rng.random(n) < share] = rng.choice(infinities)
      yield sample


class StatsTest(unittest.TestCase):

  @classmethod
  def setUpClass(cls):
    cls.program = subprocess.Popen([os.environ["EVALUATE_STATS"]], text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    cls.addClassCleanup(cls.program.communicate)

  def ours(self, function, values=None, **arguments):
    request = {"function": function, **arguments}
    if values is not None:
      request["values"] = values
    self.program.stdin.write(json.dumps({key: encoded(value) for key, value in request.items()}))
    self.program.stdin.write("\n")
    self.program.stdin.flush()
    return decoded(json.loads(self.program.stdout.readline()))

  def check(self, actual, expected, sample, tolerance=1e-9):
    self.assertIsNotNone(actual, sample)
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=1e-13, err_msg=str(sample))

  def test_mean_interval_is_students_for_few_values(self):
    for sample in varied(range(2, LEAST_BOOTSTRAP)):
      interval = self.ours("MeanInterval", sample)
      expected = stats.ttest_1samp(sample, 0).confidence_interval(0.95)
      self.assertEqual((interval["method"], interval["degenerate"]), ("t", False))
      self.check([interval["low"], interval["high"]], [expected.low, expected.high], sample)

  def test_mean_interval_is_the_bca_bootstrap_from_15_values_on(self):
    deviations = []
    for sample in varied([*range(LEAST_BOOTSTRAP, 41, 2), 63, 64, 65, 66, 301]):
      if np.unique(sample).size == 2:
        continue  # The means are so few that an endpoint moves by whole steps.
      interval = self.ours("MeanInterval", sample)
      self.assertEqual((interval["method"], interval["degenerate"]), ("BCa", False))
      expected = stats.bootstrap((sample,), np.mean, n_resamples=49_999, batch=9_999, method="BCa",
                                 rng=np.random.default_rng(3)).confidence_interval
      # Of ours, an endpoint has a Monte Carlo error of about 0.04 standard errors of the mean; ties
      # of resampled means, which SciPy splits by their rounding, add to it.
      error = stats.sem(sample)
      deviations.append([(interval["low"] - expected.low) / error,
                         (interval["high"] - expected.high) / error])
      self.assertLess(np.abs(deviations[-1]).max(), 0.25, sample)
    # Errors of the formula, unlike those of resampling, do not average out.
    self.assertLess(np.abs(np.mean(deviations, axis=0)).max(), 0.02)

  def test_mean_interval_of_many_values_is_that_of_the_normal_distribution(self):
    sample = np.random.default_rng(4).exponential(1, 10_000)
    interval = self.ours("MeanInterval", sample)
    low, high = stats.norm.interval(0.95, np.mean(sample), stats.sem(sample))
    self.assertLess(abs(interval["low"] - low) / stats.sem(sample), 0.15)
    self.assertLess(abs(interval["high"] - high) / stats.sem(sample), 0.15)

  def test_mean_interval_is_a_point_for_equal_values(self):
    rng = np.random.default_rng(5)
    for n in range(2, 41):
      baseline = rng.integers(9_000, 9_900, n)
      one_image = (baseline + 1) / 10_000 - baseline / 10_000
      for sample in (one_image, np.zeros(n), np.full(n, -0.1)):
        interval = self.ours("MeanInterval", sample)
        self.assertTrue(interval["degenerate"], sample)
        self.assertEqual(interval["low"], interval["high"])
        self.check(interval["low"], np.mean(sample), sample)
        self.assertIsNone(self.ours("EffectSize", sample))

  def test_mean_interval_needs_two_values(self):
    self.assertIsNone(self.ours("MeanInterval", []))
    self.assertIsNone(self.ours("MeanInterval", [0.5]))

  def test_sign_flip_is_the_exact_permutation_test(self):
    for sample in samples([2, 3, 4, 5, 6, 8, 11, 14]):
      # Sums of whole numbers tie exactly.
      exact = np.round(sample * 60_000) if np.abs(sample).max() < 1e-3 else sample
      expected = stats.permutation_test((exact,), np.sum, permutation_type="samples",
                                        n_resamples=INF)
      self.check(self.ours("SignFlipPValue", sample), expected.pvalue, sample)

  def test_sign_flip_of_ranks_is_the_exact_wilcoxon_test(self):
    rng = np.random.default_rng(6)
    for n in range(2, MOST_EXACT + 1):
      ranks = rng.permutation(np.arange(1, n + 1)) * rng.choice([-1.0, 1.0], n, p=[0.3, 0.7])
      expected = stats.wilcoxon(ranks, method="exact").pvalue
      self.check(self.ours("SignFlipPValue", ranks), expected, ranks)

  def test_sign_flip_of_many_values_samples_the_wilcoxon_test(self):
    rng = np.random.default_rng(7)
    for n in [25, 26, 31, 32, 33, 40, 50, 63, 64, 65, 128, 200]:
      ranks = rng.permutation(np.arange(1, n + 1)) * rng.choice([-1.0, 1.0], n, p=[0.4, 0.6])
      expected = stats.wilcoxon(ranks, method="exact").pvalue
      error = math.sqrt(expected * (1 - expected) / RANDOM_SIGNS)
      self.assertLess(abs(self.ours("SignFlipPValue", ranks) - expected), 4 * error + 1e-5, ranks)

  def test_smallest_sign_flip_p_value_is_that_of_one_sign(self):
    for n in range(1, 41):
      smallest = self.ours("SmallestSignFlipPValue", n=n)
      self.check(self.ours("SignFlipPValue", np.arange(1.0, n + 1)), smallest, n)
      # Without ties it is that of the sign test, where all signs agree.
      expected = stats.binomtest(n, n).pvalue if n <= MOST_EXACT else 1 / (RANDOM_SIGNS + 1)
      self.check(smallest, expected, n)

  def test_holm_correction(self):
    rng = np.random.default_rng(8)
    for m in range(1, 41):
      for sample in (rng.random(m), rng.random(m) ** 6, np.round(rng.random(m), 1)):
        self.check(self.ours("HolmCorrection", sample),
                   multitest.multipletests(sample, method="holm")[1], sample)

  def test_effect_size_is_t_over_the_root_of_n(self):
    for sample in varied(range(2, 41)):
      expected = stats.ttest_1samp(sample, 0).statistic / math.sqrt(len(sample))
      self.check(self.ours("EffectSize", sample), expected, sample)
    self.assertIsNone(self.ours("EffectSize", [0.5]))

  def test_standard_deviation(self):
    for sample in samples(range(2, 41)):
      self.check(self.ours("StandardDeviation", sample), np.std(sample, ddof=1), sample)

  def test_interquartile_mean(self):
    for sample in samples(range(1, 41)):
      self.check(self.ours("InterquartileMean", sample), stats.trim_mean(sample, 0.25), sample)

  def test_median(self):
    for sample in samples(range(1, 41)):
      self.check(self.ours("Median", sample), np.median(sample), sample)
    for infinity in (INF, -INF):
      for sample in with_infinities(range(1, 41), infinity):
        self.assertEqual(self.ours("Median", sample), np.mean(np.sort(sample)[
            [(len(sample) - 1) // 2, len(sample) // 2]]), sample)

  def test_quantile(self):
    for sample in samples(range(1, 41)):
      for q in (0, 0.05, 0.25, 1 / 3, 0.5, 0.95, 1):
        self.check(self.ours("Quantile", np.sort(sample), q=q), np.quantile(sample, q), sample)

  def test_median_time(self):
    for sample in with_infinities(range(1, 41), INF):
      expected = np.quantile(sample, 0.5, method="inverted_cdf")
      self.assertEqual(self.ours("MedianTime", sample),
                       None if math.isinf(expected) else expected, sample)
    self.assertIsNone(self.ours("MedianTime", []))

  def test_probability_of_improvement(self):
    rng = np.random.default_rng(9)
    for arm in with_infinities(range(1, 41), INF, -INF):
      baseline = np.round(rng.exponential(3, len(arm)), 1)
      baseline[rng.random(len(arm)) < 0.3] = INF
      same = rng.random(len(arm)) < 0.3
      baseline[same] = arm[same]
      # Of two values, Mann and Whitney's U is 1 if the first is greater, and half for a tie.
      expected = np.mean([stats.mannwhitneyu([x], [y]).statistic for x, y in zip(arm, baseline)])
      self.check(self.ours("ProbabilityOfImprovement", arm, baseline=baseline,
                           higher_is_better=True), expected, (arm, baseline))
      self.check(self.ours("ProbabilityOfImprovement", arm, baseline=baseline,
                           higher_is_better=False), 1 - expected, (arm, baseline))

  def test_binomial_standard_error(self):
    for images in (1, 10, 10_000):
      for share in (0, 0.1, 0.5, 0.985, 1):
        self.check(self.ours("BinomialStandardError", share=share, images=images),
                   stats.binom.std(images, share) / images, (share, images))

  def test_log_loss_area(self):
    rng = np.random.default_rng(10)
    for n in range(2, 41):
      losses = np.append(rng.lognormal(-2, 2, n - 1), 0)
      rng.shuffle(losses)
      expected = np.trapezoid(np.log(np.maximum(losses, 1e-12))) / (n - 1)
      self.check(self.ours("LogLossArea", losses), expected, losses)

  def test_largest_class_scores_are_those_of_a_constant_classifier(self):
    rng = np.random.default_rng(11)
    for classes in range(1, 21):
      counts = rng.integers(0, 50, classes)
      counts[rng.integers(classes)] += 1
      confusion = np.zeros((classes, classes))  # rows are true
      confusion[:, np.argmax(counts)] = counts
      hits, actual, predicted = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)

      def macro(numerator, divisor):
        return np.mean(np.divide(numerator, divisor, out=np.zeros(classes), where=divisor > 0))

      self.check(self.ours("LargestClassScores", counts),
                 [hits.sum() / counts.sum(), macro(hits, predicted), macro(hits, actual),
                  macro(2 * hits, actual + predicted)], counts)


if __name__ == "__main__":
  unittest.main()
