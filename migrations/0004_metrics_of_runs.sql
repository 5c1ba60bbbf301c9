-- What runs are looked for by, beside the runs: a filter or an order over all of them looks at one
-- row each. Triggers keep the copies, so that they cannot differ from what was recorded.

ALTER TABLE runs ADD COLUMN train_loss REAL;          -- of the last epoch
ALTER TABLE runs ADD COLUMN train_accuracy REAL;
ALTER TABLE runs ADD COLUMN validation_loss REAL;
ALTER TABLE runs ADD COLUMN validation_accuracy REAL;
ALTER TABLE runs ADD COLUMN test_loss REAL;           -- with the last weights
ALTER TABLE runs ADD COLUMN test_accuracy REAL;
ALTER TABLE runs ADD COLUMN best_test_loss REAL;      -- with the best weights
ALTER TABLE runs ADD COLUMN best_test_accuracy REAL;

-- Epochs are recorded in their order, each once.
CREATE TRIGGER runs_last_epoch AFTER INSERT ON epochs BEGIN
  UPDATE runs SET train_loss = new.train_loss, train_accuracy = new.train_accuracy,
                  validation_loss = new.validation_loss,
                  validation_accuracy = new.validation_accuracy
  WHERE run_id = new.run_id;
END;

CREATE TRIGGER runs_last_test AFTER INSERT ON test_results WHEN new.weights = 'LAST' BEGIN
  UPDATE runs SET test_loss = new.loss, test_accuracy = new.accuracy WHERE run_id = new.run_id;
END;
CREATE TRIGGER runs_best_test AFTER INSERT ON test_results WHEN new.weights = 'BEST' BEGIN
  UPDATE runs SET best_test_loss = new.loss, best_test_accuracy = new.accuracy
  WHERE run_id = new.run_id;
END;
-- Before a run goes on, all of them are removed.
CREATE TRIGGER runs_no_test AFTER DELETE ON test_results BEGIN
  UPDATE runs SET test_loss = NULL, test_accuracy = NULL, best_test_loss = NULL,
                  best_test_accuracy = NULL
  WHERE run_id = old.run_id;
END;

UPDATE runs SET (train_loss, train_accuracy, validation_loss, validation_accuracy) =
  (SELECT m.train_loss, m.train_accuracy, m.validation_loss, m.validation_accuracy FROM epochs m
   WHERE m.run_id = runs.run_id AND m.epoch = runs.epochs_done);
UPDATE runs SET (test_loss, test_accuracy) =
  (SELECT t.loss, t.accuracy FROM test_results t WHERE t.run_id = runs.run_id AND weights = 'LAST');
UPDATE runs SET (best_test_loss, best_test_accuracy) =
  (SELECT t.loss, t.accuracy FROM test_results t WHERE t.run_id = runs.run_id AND weights = 'BEST');

-- All runs in the order of what they are most often ordered by; and whether an experiment has a run
-- with some metric, without looking at its runs.
CREATE INDEX runs_by_test_accuracy ON runs (test_accuracy);
CREATE INDEX runs_by_best_test_accuracy ON runs (best_test_accuracy);
CREATE INDEX runs_by_validation_loss ON runs (validation_loss);
CREATE INDEX runs_by_validation_accuracy ON runs (validation_accuracy);
CREATE INDEX runs_by_metrics ON runs
  (experiment_id, test_accuracy, best_test_accuracy, validation_accuracy, validation_loss,
   test_loss, best_test_loss, train_accuracy, train_loss);
