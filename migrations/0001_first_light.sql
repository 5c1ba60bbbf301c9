-- Experiments, their runs, what the runs record, and the event log.
--
-- Times are microseconds since 1970 UTC, by the wall clock. Angles are radians. Losses are nats.
-- Everything that people query is a column; the views at the end are the documented way in, and
-- stay when tables change. Enumerations are stored by the names that the API shows.

CREATE TABLE experiments (
  experiment_id  INTEGER PRIMARY KEY,       -- also the order of submission
  id             TEXT NOT NULL UNIQUE,      -- the {experiment} of experiments/{experiment}
  request_id     TEXT UNIQUE,               -- the client's key; a retry with it finds this row
  request_sha256 TEXT,                      -- of the request, to tell a retry from another request
  submission     BLOB NOT NULL,             -- anneal.v1.Experiment as submitted, in protobuf's wire
                                            -- format: lists read thousands of them; for SQL there
                                            -- is runs.config
  preset         TEXT NOT NULL DEFAULT '',
  network        TEXT NOT NULL,             -- JSON of anneal.v1.NetworkSummary of the base config
  priority       INTEGER NOT NULL,
  created        INTEGER NOT NULL,
  last_sequence  INTEGER NOT NULL DEFAULT 0,
  pending        INTEGER NOT NULL DEFAULT 0 CHECK (pending >= 0),
  running        INTEGER NOT NULL DEFAULT 0 CHECK (running >= 0),
  suspended      INTEGER NOT NULL DEFAULT 0 CHECK (suspended >= 0),
  succeeded      INTEGER NOT NULL DEFAULT 0 CHECK (succeeded >= 0),
  failed         INTEGER NOT NULL DEFAULT 0 CHECK (failed >= 0),
  cancelled      INTEGER NOT NULL DEFAULT 0 CHECK (cancelled >= 0)
) STRICT;

CREATE TABLE runs (
  run_id          INTEGER PRIMARY KEY,
  experiment_id   INTEGER NOT NULL REFERENCES experiments ON DELETE CASCADE,
  ordinal         INTEGER NOT NULL,         -- the {run} of experiments/{experiment}/runs/{run}
  seed            INTEGER NOT NULL,
  parameters      TEXT NOT NULL,            -- JSON object: the cell's sweep values by field path
  config          TEXT NOT NULL,            -- JSON of anneal.v1.TrainingConfig, complete
  priority        INTEGER NOT NULL,
  state           TEXT NOT NULL CHECK (state IN
                    ('PENDING', 'RUNNING', 'SUSPENDED', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
  failure_reason  TEXT,
  failure_message TEXT,
  created         INTEGER NOT NULL,
  started         INTEGER,                  -- of the last attempt
  ended           INTEGER,
  attempts        INTEGER NOT NULL DEFAULT 0,
  losses          INTEGER NOT NULL DEFAULT 0, -- attempts lost with their worker since the last epoch
  epochs_done     INTEGER NOT NULL DEFAULT 0,
  epochs_total    INTEGER NOT NULL,
  engine          TEXT,
  dataset_sha256  TEXT,
  network         TEXT,                     -- JSON of anneal.v1.NetworkSummary
  UNIQUE (experiment_id, ordinal)
) STRICT;

-- The queue: who is next is one step in this index.
CREATE INDEX runs_pending ON runs (priority DESC, run_id) WHERE state = 'PENDING';
CREATE INDEX runs_running ON runs (run_id) WHERE state = 'RUNNING';

CREATE TABLE epochs (
  run_id                    INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  epoch                     INTEGER NOT NULL CHECK (epoch >= 1),
  elapsed_seconds           REAL NOT NULL,
  epoch_seconds             REAL NOT NULL,
  samples_per_second        REAL NOT NULL,
  learning_rate             REAL NOT NULL,
  step                      INTEGER NOT NULL,
  train_loss                REAL NOT NULL,
  train_accuracy            REAL NOT NULL,
  train_precision           REAL NOT NULL,
  train_recall              REAL NOT NULL,
  train_f1                  REAL NOT NULL,
  validation_loss           REAL NOT NULL,
  validation_accuracy       REAL NOT NULL,
  validation_precision      REAL NOT NULL,
  validation_recall         REAL NOT NULL,
  validation_f1             REAL NOT NULL,
  validation_relu_loss      REAL NOT NULL,
  validation_relu_accuracy  REAL NOT NULL,
  validation_relu_precision REAL NOT NULL,
  validation_relu_recall    REAL NOT NULL,
  validation_relu_f1        REAL NOT NULL,
  penalty                   REAL NOT NULL,
  theta_count               INTEGER NOT NULL,
  theta_min                 REAL NOT NULL,
  theta_q05                 REAL NOT NULL,
  theta_q25                 REAL NOT NULL,
  theta_median              REAL NOT NULL,
  theta_q75                 REAL NOT NULL,
  theta_q95                 REAL NOT NULL,
  theta_max                 REAL NOT NULL,
  theta_mean                REAL NOT NULL,
  convexity_violations      REAL,
  hessian_max_eigenvalue    REAL,
  hessian_min_eigenvalue    REAL,
  PRIMARY KEY (run_id, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE layer_epochs (
  run_id         INTEGER NOT NULL,
  epoch          INTEGER NOT NULL,
  layer          INTEGER NOT NULL,          -- from 0, the output layer last
  gradient_norm  REAL NOT NULL,
  linear_gap     REAL,
  negative_share REAL,
  PRIMARY KEY (run_id, epoch, layer),
  FOREIGN KEY (run_id, epoch) REFERENCES epochs ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE thetas (
  theta_id INTEGER PRIMARY KEY,             -- a rowid table: these rows can be large
  run_id   INTEGER NOT NULL,
  epoch    INTEGER NOT NULL,
  layer    INTEGER NOT NULL,                -- -1: the one theta of the network
  shape    TEXT NOT NULL,                   -- JSON array
  radians  BLOB NOT NULL,                   -- float32, little-endian, row-major
  UNIQUE (run_id, epoch, layer),
  FOREIGN KEY (run_id, epoch) REFERENCES epochs ON DELETE CASCADE
) STRICT;

CREATE TABLE test_results (
  run_id    INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  weights   TEXT NOT NULL CHECK (weights IN ('LAST', 'BEST')),
  epoch     INTEGER NOT NULL,
  loss      REAL NOT NULL,
  accuracy  REAL NOT NULL,
  precision REAL NOT NULL,
  recall    REAL NOT NULL,
  f1        REAL NOT NULL,
  PRIMARY KEY (run_id, weights)
) STRICT, WITHOUT ROWID;

CREATE TABLE confusion (
  run_id    INTEGER NOT NULL,
  weights   TEXT NOT NULL,
  actual    INTEGER NOT NULL,
  predicted INTEGER NOT NULL,
  images    INTEGER NOT NULL,
  PRIMARY KEY (run_id, weights, actual, predicted),
  FOREIGN KEY (run_id, weights) REFERENCES test_results ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- An EPOCH event is the row of epochs that it names; it is not stored twice.
CREATE TABLE events (
  experiment_id   INTEGER NOT NULL REFERENCES experiments ON DELETE CASCADE,
  sequence        INTEGER NOT NULL CHECK (sequence >= 1),
  time            INTEGER NOT NULL,
  kind            TEXT NOT NULL CHECK (kind IN ('STATE', 'EPOCH', 'MESSAGE')),
  run_id          INTEGER,
  epoch           INTEGER,
  from_state      TEXT,
  to_state        TEXT,
  failure_reason  TEXT,
  message         TEXT,
  PRIMARY KEY (experiment_id, sequence)
) STRICT, WITHOUT ROWID;

-- One row a run: names, state, seed, sweep values, last epoch and test results.
CREATE VIEW run_overview AS
SELECT e.id AS experiment, r.ordinal AS run, r.seed, r.state, r.failure_reason, r.failure_message,
       r.parameters, r.config, e.preset,
       json_extract(r.config, '$.dataset.name') AS dataset,
       json_extract(r.config, '$.theta.policy') AS theta_policy,
       json_extract(r.config, '$.theta.schedule') AS theta_schedule,
       json_extract(r.config, '$.theta.granularity') AS theta_granularity,
       datetime(r.created / 1000000, 'unixepoch') AS created_utc,
       datetime(r.ended / 1000000, 'unixepoch') AS ended_utc,
       r.epochs_done, r.epochs_total, l.elapsed_seconds, l.train_loss, l.train_accuracy,
       l.validation_loss, l.validation_accuracy, l.validation_relu_accuracy, l.theta_mean,
       last.accuracy AS test_accuracy, last.loss AS test_loss, last.f1 AS test_f1,
       best.accuracy AS best_test_accuracy, best.epoch AS best_epoch
FROM runs r
JOIN experiments e USING (experiment_id)
LEFT JOIN epochs l ON l.run_id = r.run_id AND l.epoch = r.epochs_done
LEFT JOIN test_results last ON last.run_id = r.run_id AND last.weights = 'LAST'
LEFT JOIN test_results best ON best.run_id = r.run_id AND best.weights = 'BEST';

-- One row an epoch of every run: all columns of epochs, with the run's names and seed.
CREATE VIEW epoch_metrics AS
SELECT e.id AS experiment, r.ordinal AS run, r.seed, m.*
FROM epochs m
JOIN runs r USING (run_id)
JOIN experiments e USING (experiment_id);

-- One row a layer of every epoch.
CREATE VIEW layer_metrics AS
SELECT e.id AS experiment, r.ordinal AS run, r.seed, m.*
FROM layer_epochs m
JOIN runs r USING (run_id)
JOIN experiments e USING (experiment_id);
