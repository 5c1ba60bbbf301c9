-- Checkpoints: files below checkpoints/ in the data directory. A file without a row is rubbish: the
-- row is written, together with the epoch that it belongs to, once the file is safe.

CREATE TABLE checkpoints (
  run_id  INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  step    INTEGER NOT NULL CHECK (step >= 0), -- optimiser steps done
  epoch   INTEGER NOT NULL CHECK (epoch >= 0), -- epochs finished
  is_best INTEGER NOT NULL CHECK (is_best IN (0, 1)), -- at most one of a run
  file    TEXT NOT NULL,                    -- relative to checkpoints/
  bytes   INTEGER NOT NULL,
  sha256  TEXT NOT NULL,                    -- of the file
  created INTEGER NOT NULL,
  PRIMARY KEY (run_id, step)
) STRICT, WITHOUT ROWID;

ALTER TABLE test_results ADD COLUMN weights_sha256 TEXT NOT NULL DEFAULT '';
