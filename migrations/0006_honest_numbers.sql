-- What a number rests on: which epochs may be the best ones, what trained a run and on which split,
-- the results that it had before it was extended, who looked at test results; and the lowest,
-- highest and best value of every metric, for filters and orders of lists.

DROP VIEW run_overview;

-- Epochs.

ALTER TABLE epochs ADD COLUMN validation_predicted_classes INTEGER; -- 1: the run has collapsed
-- 1: theta is at its schedule's end, or has none, so that the epoch may be the best one.
ALTER TABLE epochs ADD COLUMN eligible INTEGER NOT NULL DEFAULT 1;
WITH scheduled AS MATERIALIZED (
  SELECT config_id, coalesce(json_extract(json, '$.theta.end'), 0) AS theta_end FROM configs
  WHERE json_extract(json, '$.theta.policy') = 'THETA_POLICY_SCHEDULED')
UPDATE epochs SET eligible = 0 FROM runs r JOIN scheduled s USING (config_id)
WHERE r.run_id = epochs.run_id
  AND (abs(epochs.theta_min - s.theta_end) > 1e-6 OR abs(epochs.theta_max - s.theta_end) > 1e-6);

-- Of every metric of epochs its lowest and highest value over the epochs of a run, and the best one
-- over the eligible ones, where one direction is better. Recording an epoch maintains the row.
CREATE TABLE run_extremes (
  run_id INTEGER PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
  min_epoch INTEGER, max_epoch INTEGER,
  min_elapsed_seconds REAL, max_elapsed_seconds REAL, best_elapsed_seconds REAL,
  min_epoch_seconds REAL, max_epoch_seconds REAL, best_epoch_seconds REAL,
  min_samples_per_second REAL, max_samples_per_second REAL, best_samples_per_second REAL,
  min_learning_rate REAL, max_learning_rate REAL,
  min_step INTEGER, max_step INTEGER,
  min_train_loss REAL, max_train_loss REAL, best_train_loss REAL,
  min_train_accuracy REAL, max_train_accuracy REAL, best_train_accuracy REAL,
  min_train_precision REAL, max_train_precision REAL, best_train_precision REAL,
  min_train_recall REAL, max_train_recall REAL, best_train_recall REAL,
  min_train_f1 REAL, max_train_f1 REAL, best_train_f1 REAL,
  min_validation_loss REAL, max_validation_loss REAL, best_validation_loss REAL,
  min_validation_accuracy REAL, max_validation_accuracy REAL, best_validation_accuracy REAL,
  min_validation_precision REAL, max_validation_precision REAL, best_validation_precision REAL,
  min_validation_recall REAL, max_validation_recall REAL, best_validation_recall REAL,
  min_validation_f1 REAL, max_validation_f1 REAL, best_validation_f1 REAL,
  min_validation_relu_loss REAL, max_validation_relu_loss REAL, best_validation_relu_loss REAL,
  min_validation_relu_accuracy REAL, max_validation_relu_accuracy REAL,
  best_validation_relu_accuracy REAL,
  min_validation_relu_precision REAL, max_validation_relu_precision REAL,
  best_validation_relu_precision REAL,
  min_validation_relu_recall REAL, max_validation_relu_recall REAL,
  best_validation_relu_recall REAL,
  min_validation_relu_f1 REAL, max_validation_relu_f1 REAL, best_validation_relu_f1 REAL,
  min_penalty REAL, max_penalty REAL,
  min_convexity_violations REAL, max_convexity_violations REAL,
  min_hessian_max_eigenvalue REAL, max_hessian_max_eigenvalue REAL,
  min_hessian_min_eigenvalue REAL, max_hessian_min_eigenvalue REAL,
  min_validation_predicted_classes INTEGER, max_validation_predicted_classes INTEGER,
  min_theta_count INTEGER, max_theta_count INTEGER,
  min_theta_min REAL, max_theta_min REAL,
  min_theta_q05 REAL, max_theta_q05 REAL,
  min_theta_q25 REAL, max_theta_q25 REAL,
  min_theta_median REAL, max_theta_median REAL,
  min_theta_q75 REAL, max_theta_q75 REAL,
  min_theta_q95 REAL, max_theta_q95 REAL,
  min_theta_max REAL, max_theta_max REAL,
  min_theta_mean REAL, max_theta_mean REAL
) STRICT;
INSERT INTO run_extremes
  SELECT run_id,
    min(epoch), max(epoch),
    min(elapsed_seconds), max(elapsed_seconds), min(elapsed_seconds) FILTER (WHERE eligible),
    min(epoch_seconds), max(epoch_seconds), min(epoch_seconds) FILTER (WHERE eligible),
    min(samples_per_second), max(samples_per_second),
    max(samples_per_second) FILTER (WHERE eligible),
    min(learning_rate), max(learning_rate),
    min(step), max(step),
    min(train_loss), max(train_loss), min(train_loss) FILTER (WHERE eligible),
    min(train_accuracy), max(train_accuracy), max(train_accuracy) FILTER (WHERE eligible),
    min(train_precision), max(train_precision), max(train_precision) FILTER (WHERE eligible),
    min(train_recall), max(train_recall), max(train_recall) FILTER (WHERE eligible),
    min(train_f1), max(train_f1), max(train_f1) FILTER (WHERE eligible),
    min(validation_loss), max(validation_loss), min(validation_loss) FILTER (WHERE eligible),
    min(validation_accuracy), max(validation_accuracy),
    max(validation_accuracy) FILTER (WHERE eligible),
    min(validation_precision), max(validation_precision),
    max(validation_precision) FILTER (WHERE eligible),
    min(validation_recall), max(validation_recall), max(validation_recall) FILTER (WHERE eligible),
    min(validation_f1), max(validation_f1), max(validation_f1) FILTER (WHERE eligible),
    min(validation_relu_loss), max(validation_relu_loss),
    min(validation_relu_loss) FILTER (WHERE eligible),
    min(validation_relu_accuracy), max(validation_relu_accuracy),
    max(validation_relu_accuracy) FILTER (WHERE eligible),
    min(validation_relu_precision), max(validation_relu_precision),
    max(validation_relu_precision) FILTER (WHERE eligible),
    min(validation_relu_recall), max(validation_relu_recall),
    max(validation_relu_recall) FILTER (WHERE eligible),
    min(validation_relu_f1), max(validation_relu_f1),
    max(validation_relu_f1) FILTER (WHERE eligible),
    min(penalty), max(penalty),
    min(convexity_violations), max(convexity_violations),
    min(hessian_max_eigenvalue), max(hessian_max_eigenvalue),
    min(hessian_min_eigenvalue), max(hessian_min_eigenvalue),
    min(validation_predicted_classes), max(validation_predicted_classes),
    min(theta_count), max(theta_count),
    min(theta_min), max(theta_min),
    min(theta_q05), max(theta_q05),
    min(theta_q25), max(theta_q25),
    min(theta_median), max(theta_median),
    min(theta_q75), max(theta_q75),
    min(theta_q95), max(theta_q95),
    min(theta_max), max(theta_max),
    min(theta_mean), max(theta_mean)
  FROM epochs GROUP BY run_id;

-- Runs.

CREATE TABLE splits (
  split_id INTEGER PRIMARY KEY,
  json     TEXT NOT NULL UNIQUE             -- of anneal.v1.SplitSummary
) STRICT;

CREATE TABLE provenances (
  provenance_id INTEGER PRIMARY KEY,
  json          TEXT NOT NULL UNIQUE        -- of anneal.v1.Provenance
) STRICT;

-- One row for each time that a worker began or resumed a run. Earlier attempts are not known.
CREATE TABLE attempts (
  run_id        INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  number        INTEGER NOT NULL,           -- of runs.attempts
  started       INTEGER,
  first_epoch   INTEGER NOT NULL,           -- epochs done when it began
  provenance_id INTEGER REFERENCES provenances,
  PRIMARY KEY (run_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX attempts_by_provenance ON attempts (provenance_id) WHERE provenance_id IS NOT NULL;

ALTER TABLE runs ADD COLUMN split_id INTEGER REFERENCES splits;      -- set once it has started
CREATE INDEX runs_by_split ON runs (split_id) WHERE split_id IS NOT NULL;
ALTER TABLE runs ADD COLUMN collapsed INTEGER NOT NULL DEFAULT 0;    -- in its last epoch
ALTER TABLE runs ADD COLUMN extended_from TEXT NOT NULL DEFAULT '[]'; -- JSON: epochs before each
ALTER TABLE runs ADD COLUMN note TEXT NOT NULL DEFAULT '';

-- Of runs that have succeeded, tested or not. Not columns of runs, whose rows would become twice as
-- long: lists look through all of them.
CREATE TABLE weights_digests (
  run_id              INTEGER PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
  weights_sha256      TEXT,                 -- of the last weights
  best_weights_sha256 TEXT
) STRICT;
INSERT INTO weights_digests
  SELECT run_id, max(weights_sha256) FILTER (WHERE weights = 'LAST'),
         max(weights_sha256) FILTER (WHERE weights = 'BEST')
  FROM test_results WHERE weights_sha256 <> '' GROUP BY run_id;
ALTER TABLE test_results DROP COLUMN weights_sha256;

-- Those of the run itself; its experiment's are in labels.
CREATE TABLE run_labels (
  run_id INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  key    TEXT NOT NULL,
  value  TEXT NOT NULL,
  PRIMARY KEY (run_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_labels_by_value ON run_labels (key, value);

-- Copies of what runs are looked for by, as of the columns of 0004_metrics_of_runs.sql.
ALTER TABLE runs ADD COLUMN best_validation_accuracy REAL;
ALTER TABLE runs ADD COLUMN max_validation_accuracy REAL;
ALTER TABLE runs ADD COLUMN min_validation_loss REAL;
ALTER TABLE runs ADD COLUMN best_validation_loss REAL;
ALTER TABLE runs ADD COLUMN best_validation_relu_accuracy REAL;
UPDATE runs SET (best_validation_accuracy, max_validation_accuracy, min_validation_loss,
                 best_validation_loss, best_validation_relu_accuracy) =
  (SELECT x.best_validation_accuracy, x.max_validation_accuracy, x.min_validation_loss,
          x.best_validation_loss, x.best_validation_relu_accuracy
   FROM run_extremes x WHERE x.run_id = runs.run_id);
CREATE INDEX runs_by_best_validation_accuracy ON runs (best_validation_accuracy);
CREATE INDEX runs_by_max_validation_accuracy ON runs (max_validation_accuracy);
CREATE INDEX runs_by_min_validation_loss ON runs (min_validation_loss);
CREATE INDEX runs_by_best_validation_loss ON runs (best_validation_loss);
CREATE INDEX runs_by_best_validation_relu_accuracy ON runs (best_validation_relu_accuracy);
DROP INDEX runs_by_metrics;
CREATE INDEX runs_by_metrics ON runs
  (experiment_id, test_accuracy, best_test_accuracy, validation_accuracy, validation_loss,
   test_loss, best_test_loss, train_accuracy, train_loss, best_validation_accuracy,
   max_validation_accuracy, min_validation_loss, best_validation_loss,
   best_validation_relu_accuracy);

-- Both update the run of a new epoch; one update is cheaper.
DROP TRIGGER runs_last_epoch;
DROP TRIGGER stored_epoch;
CREATE TRIGGER runs_last_epoch AFTER INSERT ON epochs BEGIN
  UPDATE runs SET train_loss = new.train_loss, train_accuracy = new.train_accuracy,
                  validation_loss = new.validation_loss,
                  validation_accuracy = new.validation_accuracy,
                  collapsed = new.validation_predicted_classes IS 1,
                  stored_bytes = stored_bytes + 500
  WHERE run_id = new.run_id;
END;
CREATE TRIGGER runs_first_extremes AFTER INSERT ON run_extremes BEGIN
  UPDATE runs SET best_validation_accuracy = new.best_validation_accuracy,
                  max_validation_accuracy = new.max_validation_accuracy,
                  min_validation_loss = new.min_validation_loss,
                  best_validation_loss = new.best_validation_loss,
                  best_validation_relu_accuracy = new.best_validation_relu_accuracy
  WHERE run_id = new.run_id;
END;
-- A copy that did not change is not written: it would cost a page of its index.
CREATE TRIGGER runs_best_validation_accuracy
AFTER UPDATE OF best_validation_accuracy ON run_extremes
WHEN new.best_validation_accuracy IS NOT old.best_validation_accuracy BEGIN
  UPDATE runs SET best_validation_accuracy = new.best_validation_accuracy
  WHERE run_id = new.run_id;
END;
CREATE TRIGGER runs_max_validation_accuracy
AFTER UPDATE OF max_validation_accuracy ON run_extremes
WHEN new.max_validation_accuracy IS NOT old.max_validation_accuracy BEGIN
  UPDATE runs SET max_validation_accuracy = new.max_validation_accuracy
  WHERE run_id = new.run_id;
END;
CREATE TRIGGER runs_min_validation_loss
AFTER UPDATE OF min_validation_loss ON run_extremes
WHEN new.min_validation_loss IS NOT old.min_validation_loss BEGIN
  UPDATE runs SET min_validation_loss = new.min_validation_loss
  WHERE run_id = new.run_id;
END;
CREATE TRIGGER runs_best_validation_loss
AFTER UPDATE OF best_validation_loss ON run_extremes
WHEN new.best_validation_loss IS NOT old.best_validation_loss BEGIN
  UPDATE runs SET best_validation_loss = new.best_validation_loss
  WHERE run_id = new.run_id;
END;
CREATE TRIGGER runs_best_validation_relu_accuracy
AFTER UPDATE OF best_validation_relu_accuracy ON run_extremes
WHEN new.best_validation_relu_accuracy IS NOT old.best_validation_relu_accuracy BEGIN
  UPDATE runs SET best_validation_relu_accuracy = new.best_validation_relu_accuracy
  WHERE run_id = new.run_id;
END;

-- What users write counts for their stored bytes.
CREATE TRIGGER stored_note AFTER UPDATE OF note ON runs BEGIN
  UPDATE runs SET stored_bytes = stored_bytes + length(new.note) - length(old.note)
  WHERE run_id = new.run_id;
END;
CREATE TRIGGER stored_run_label AFTER INSERT ON run_labels BEGIN
  UPDATE runs SET stored_bytes = stored_bytes + length(new.key) + length(new.value)
  WHERE run_id = new.run_id;
END;
CREATE TRIGGER stored_no_run_label AFTER DELETE ON run_labels BEGIN
  UPDATE runs SET stored_bytes = stored_bytes - length(old.key) - length(old.value)
  WHERE run_id = old.run_id;
END;

-- Test results.

ALTER TABLE test_results ADD COLUMN relu_loss REAL;                  -- with all theta = 0
ALTER TABLE test_results ADD COLUMN relu_accuracy REAL;
ALTER TABLE test_results ADD COLUMN relu_precision REAL;
ALTER TABLE test_results ADD COLUMN relu_recall REAL;
ALTER TABLE test_results ADD COLUMN relu_f1 REAL;
ALTER TABLE test_results ADD COLUMN run_epochs INTEGER NOT NULL DEFAULT 0; -- when it was tested
ALTER TABLE test_results ADD COLUMN no_eligible_epoch INTEGER NOT NULL DEFAULT 0;
UPDATE test_results SET run_epochs =
  (SELECT r.epochs_done FROM runs r WHERE r.run_id = test_results.run_id);

-- Those that a run had before it was extended.
CREATE TABLE earlier_test_results (
  run_id     INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  run_epochs INTEGER NOT NULL,
  weights    TEXT NOT NULL CHECK (weights IN ('LAST', 'BEST')),
  json       TEXT NOT NULL,                 -- of anneal.v1.TestResult, with its confusion matrix
  PRIMARY KEY (run_id, run_epochs, weights)
) STRICT, WITHOUT ROWID;

-- Experiments.

ALTER TABLE experiments ADD COLUMN diverged INTEGER NOT NULL DEFAULT 0 CHECK (diverged >= 0);
UPDATE experiments SET diverged =
  (SELECT count(*) FROM runs r WHERE r.experiment_id = experiments.experiment_id
   AND r.state = 'FAILED' AND r.failure_reason = 'DIVERGED');

-- Looks at test results: their number, and of equal ones the time of the last that was counted.
ALTER TABLE experiments ADD COLUMN looks INTEGER NOT NULL DEFAULT 0;
CREATE TABLE looks (
  experiment_id INTEGER NOT NULL REFERENCES experiments ON DELETE CASCADE,
  kind          TEXT NOT NULL CHECK (kind IN ('COMPARE', 'PLOT', 'REPORT', 'LIST')),
  metric        TEXT NOT NULL,
  user          TEXT NOT NULL,
  time          INTEGER NOT NULL,
  PRIMARY KEY (experiment_id, kind, metric, user)
) STRICT, WITHOUT ROWID;
-- A MESSAGE event with a look is that look.
ALTER TABLE events ADD COLUMN look TEXT;    -- JSON of anneal.v1.Look

-- One row a run: names, state, seed, sweep values, last epoch and test results.
CREATE VIEW run_overview AS
SELECT e.id AS experiment, r.ordinal AS run, r.seed, r.state, r.failure_reason, r.failure_message,
       r.parameters, c.json AS config, e.preset, e.user, r.note,
       json_extract(c.json, '$.dataset.name') AS dataset,
       json_extract(c.json, '$.theta.policy') AS theta_policy,
       json_extract(c.json, '$.theta.schedule') AS theta_schedule,
       json_extract(c.json, '$.theta.granularity') AS theta_granularity,
       datetime(r.created / 1000000, 'unixepoch') AS created_utc,
       datetime(r.ended / 1000000, 'unixepoch') AS ended_utc,
       r.epochs_done, r.epochs_total, r.extended_from, l.elapsed_seconds, l.train_loss,
       l.train_accuracy, l.validation_loss, l.validation_accuracy, l.validation_relu_accuracy,
       l.theta_mean, r.collapsed, r.best_validation_accuracy, r.min_validation_loss,
       last.accuracy AS test_accuracy, last.loss AS test_loss, last.f1 AS test_f1,
       best.accuracy AS best_test_accuracy, best.epoch AS best_epoch,
       w.weights_sha256, w.best_weights_sha256
FROM runs r
JOIN experiments e USING (experiment_id)
JOIN configs c USING (config_id)
LEFT JOIN epochs l ON l.run_id = r.run_id AND l.epoch = r.epochs_done
LEFT JOIN weights_digests w ON w.run_id = r.run_id
LEFT JOIN test_results last ON last.run_id = r.run_id AND last.weights = 'LAST'
LEFT JOIN test_results best ON best.run_id = r.run_id AND best.weights = 'BEST'
WHERE e.deleted IS NULL;
