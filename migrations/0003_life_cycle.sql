-- Users and their turns, labels that can be searched, deletion, and a log over all experiments.
-- Configs and networks, which many runs have in common, are stored once: rows of runs become small
-- enough to look through all of them.

DROP VIEW run_overview;
DROP VIEW epoch_metrics;
DROP VIEW layer_metrics;

CREATE TABLE configs (
  config_id INTEGER PRIMARY KEY,
  json      TEXT NOT NULL UNIQUE            -- of anneal.v1.TrainingConfig, complete
) STRICT;
INSERT INTO configs (json) SELECT DISTINCT config FROM runs;
ALTER TABLE runs ADD COLUMN config_id INTEGER REFERENCES configs;
UPDATE runs SET config_id = (SELECT config_id FROM configs WHERE json = runs.config);
ALTER TABLE runs DROP COLUMN config;
CREATE INDEX runs_by_config ON runs (config_id);

CREATE TABLE networks (
  network_id INTEGER PRIMARY KEY,
  json       TEXT NOT NULL UNIQUE           -- of anneal.v1.NetworkSummary
) STRICT;
INSERT INTO networks (json)
  SELECT network FROM experiments UNION SELECT network FROM runs WHERE network IS NOT NULL;
ALTER TABLE experiments ADD COLUMN network_id INTEGER REFERENCES networks; -- of the first run
UPDATE experiments SET network_id = (SELECT network_id FROM networks WHERE json = network);
ALTER TABLE experiments DROP COLUMN network;
ALTER TABLE runs ADD COLUMN network_id INTEGER REFERENCES networks; -- set once it has started
UPDATE runs SET network_id = (SELECT network_id FROM networks WHERE json = network);
ALTER TABLE runs DROP COLUMN network;
CREATE INDEX experiments_by_network ON experiments (network_id);
CREATE INDEX runs_by_network ON runs (network_id);

-- The state of an experiment as the API shows it (common/run_state.h).
ALTER TABLE experiments ADD COLUMN state TEXT GENERATED ALWAYS AS (
  CASE WHEN running > 0 THEN 'RUNNING' WHEN pending > 0 THEN 'PENDING'
       WHEN suspended > 0 THEN 'SUSPENDED' WHEN failed > 0 THEN 'FAILED'
       WHEN cancelled > 0 THEN 'CANCELLED' ELSE 'SUCCEEDED' END) VIRTUAL;
ALTER TABLE experiments ADD COLUMN deleted INTEGER; -- when; its rows go when it is purged
ALTER TABLE experiments ADD COLUMN user TEXT NOT NULL DEFAULT '';
CREATE INDEX experiments_by_state ON experiments (state);
CREATE INDEX experiments_by_user ON experiments (user);
CREATE INDEX experiments_deleted ON experiments (experiment_id) WHERE deleted IS NOT NULL;

CREATE TABLE labels (
  experiment_id INTEGER NOT NULL REFERENCES experiments ON DELETE CASCADE,
  key           TEXT NOT NULL,
  value         TEXT NOT NULL,
  PRIMARY KEY (experiment_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX labels_by_value ON labels (key, value);
-- The function is the daemon's own; only this file uses it.
INSERT INTO labels (experiment_id, key, value)
  SELECT e.experiment_id, l.key, l.value FROM experiments e, json_each(labels_of(e.submission)) l;

-- The queue: a user's next run is one step in this index, and so is the next user.
ALTER TABLE runs ADD COLUMN user TEXT NOT NULL DEFAULT '';
DROP INDEX runs_pending;
CREATE INDEX runs_pending ON runs (priority DESC, user, run_id) WHERE state = 'PENDING';
DROP INDEX runs_running;
CREATE INDEX runs_by_state ON runs (state);

-- Whose turn it is: the number of the start that a user's last run was.
CREATE TABLE users (
  user       TEXT PRIMARY KEY,
  last_start INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Numbers that only grow.
CREATE TABLE counters (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The order of events over all experiments.
ALTER TABLE events ADD COLUMN position INTEGER;
UPDATE events SET position = ordered.position FROM (
  SELECT experiment_id, sequence,
         row_number() OVER (ORDER BY time, experiment_id, sequence) AS position FROM events
) AS ordered
WHERE events.experiment_id = ordered.experiment_id AND events.sequence = ordered.sequence;
CREATE UNIQUE INDEX events_by_position ON events (position);
INSERT INTO counters (name, value) SELECT 'events', coalesce(max(position), 0) FROM events;
INSERT INTO counters (name, value) VALUES ('starts', 0);

-- One row a run: names, state, seed, sweep values, last epoch and test results.
CREATE VIEW run_overview AS
SELECT e.id AS experiment, r.ordinal AS run, r.seed, r.state, r.failure_reason, r.failure_message,
       r.parameters, c.json AS config, e.preset, e.user,
       json_extract(c.json, '$.dataset.name') AS dataset,
       json_extract(c.json, '$.theta.policy') AS theta_policy,
       json_extract(c.json, '$.theta.schedule') AS theta_schedule,
       json_extract(c.json, '$.theta.granularity') AS theta_granularity,
       datetime(r.created / 1000000, 'unixepoch') AS created_utc,
       datetime(r.ended / 1000000, 'unixepoch') AS ended_utc,
       r.epochs_done, r.epochs_total, l.elapsed_seconds, l.train_loss, l.train_accuracy,
       l.validation_loss, l.validation_accuracy, l.validation_relu_accuracy, l.theta_mean,
       last.accuracy AS test_accuracy, last.loss AS test_loss, last.f1 AS test_f1,
       best.accuracy AS best_test_accuracy, best.epoch AS best_epoch
FROM runs r
JOIN experiments e USING (experiment_id)
JOIN configs c USING (config_id)
LEFT JOIN epochs l ON l.run_id = r.run_id AND l.epoch = r.epochs_done
LEFT JOIN test_results last ON last.run_id = r.run_id AND last.weights = 'LAST'
LEFT JOIN test_results best ON best.run_id = r.run_id AND best.weights = 'BEST'
WHERE e.deleted IS NULL;

-- One row an epoch of every run: all columns of epochs, with the run's names and seed.
CREATE VIEW epoch_metrics AS
SELECT e.id AS experiment, r.ordinal AS run, r.seed, m.*
FROM epochs m
JOIN runs r USING (run_id)
JOIN experiments e USING (experiment_id)
WHERE e.deleted IS NULL;

-- One row a layer of every epoch.
CREATE VIEW layer_metrics AS
SELECT e.id AS experiment, r.ordinal AS run, r.seed, m.*
FROM layer_epochs m
JOIN runs r USING (run_id)
JOIN experiments e USING (experiment_id)
WHERE e.deleted IS NULL;
