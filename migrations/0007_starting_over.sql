-- Runs that begin anew, because what was recorded is of another kind of build or processor. What
-- earlier attempts recorded is kept for them.

ALTER TABLE runs ADD COLUMN started_over INTEGER NOT NULL DEFAULT 0; -- the last such attempt; 0: none
ALTER TABLE attempts ADD COLUMN starts_over INTEGER NOT NULL DEFAULT 0;

CREATE TABLE earlier_epochs (
  run_id  INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  attempt INTEGER NOT NULL,                 -- the last one before the run began anew
  epoch   INTEGER NOT NULL,
  record  BLOB NOT NULL,                    -- anneal.v1.Epoch in protobuf's wire format
  PRIMARY KEY (run_id, attempt, epoch)
) STRICT, WITHOUT ROWID;

-- Of an EPOCH event whose epoch is in earlier_epochs, its attempt; of a MESSAGE event that says that
-- a run begins anew, the attempt that does.
ALTER TABLE events ADD COLUMN attempt INTEGER;
