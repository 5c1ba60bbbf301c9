-- What each user has: runs that have not ended, and about how many bytes. Triggers keep it, so that
-- looking at a limit is looking at one row.

-- Of a run: its checkpoints, its theta vectors, and flat shares for the rows of itself (1000) and of
-- an epoch (500) with all that belongs to them.
ALTER TABLE runs ADD COLUMN stored_bytes INTEGER NOT NULL DEFAULT 1000;

CREATE TABLE usage (
  user         TEXT PRIMARY KEY,
  unended_runs INTEGER NOT NULL,
  stored_bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

UPDATE runs SET stored_bytes = 1000
  + 500 * (SELECT count(*) FROM epochs m WHERE m.run_id = runs.run_id)
  + (SELECT coalesce(sum(length(t.radians)), 0) FROM thetas t WHERE t.run_id = runs.run_id)
  + (SELECT coalesce(sum(c.bytes), 0) FROM checkpoints c WHERE c.run_id = runs.run_id);
INSERT INTO usage (user, unended_runs, stored_bytes)
  SELECT user, sum(pending + running + suspended), sum(length(submission))
  FROM experiments GROUP BY user;
UPDATE usage SET stored_bytes = stored_bytes
  + (SELECT coalesce(sum(r.stored_bytes), 0) FROM runs r WHERE r.user = usage.user);

CREATE TRIGGER usage_new_experiment AFTER INSERT ON experiments BEGIN
  INSERT INTO usage VALUES (new.user, 0, length(new.submission))
    ON CONFLICT (user) DO UPDATE SET stored_bytes = stored_bytes + length(new.submission);
END;
CREATE TRIGGER usage_changed_experiment AFTER UPDATE OF submission ON experiments BEGIN
  UPDATE usage SET stored_bytes = stored_bytes + length(new.submission) - length(old.submission)
    WHERE user = new.user;
END;
CREATE TRIGGER usage_no_experiment AFTER DELETE ON experiments BEGIN
  UPDATE usage SET stored_bytes = stored_bytes - length(old.submission) WHERE user = old.user;
END;

-- A run's experiment is there before it, and so is the user's row.
CREATE TRIGGER usage_new_run AFTER INSERT ON runs BEGIN
  UPDATE usage SET stored_bytes = stored_bytes + new.stored_bytes,
    unended_runs = unended_runs + (new.state IN ('PENDING', 'RUNNING', 'SUSPENDED'))
    WHERE user = new.user;
END;
CREATE TRIGGER usage_changed_run AFTER UPDATE OF stored_bytes ON runs BEGIN
  UPDATE usage SET stored_bytes = stored_bytes + new.stored_bytes - old.stored_bytes
    WHERE user = new.user;
END;
CREATE TRIGGER usage_run_state AFTER UPDATE OF state ON runs
WHEN (old.state IN ('PENDING', 'RUNNING', 'SUSPENDED')) !=
     (new.state IN ('PENDING', 'RUNNING', 'SUSPENDED')) BEGIN
  UPDATE usage SET unended_runs = unended_runs +
    iif(new.state IN ('PENDING', 'RUNNING', 'SUSPENDED'), 1, -1)
    WHERE user = new.user;
END;
CREATE TRIGGER usage_no_run AFTER DELETE ON runs BEGIN
  UPDATE usage SET stored_bytes = stored_bytes - old.stored_bytes,
    unended_runs = unended_runs - (old.state IN ('PENDING', 'RUNNING', 'SUSPENDED'))
    WHERE user = old.user;
END;

-- What is deleted with its run finds no run any more: it went as a whole.
CREATE TRIGGER stored_epoch AFTER INSERT ON epochs BEGIN
  UPDATE runs SET stored_bytes = stored_bytes + 500 WHERE run_id = new.run_id;
END;
CREATE TRIGGER stored_no_epoch AFTER DELETE ON epochs BEGIN
  UPDATE runs SET stored_bytes = stored_bytes - 500 WHERE run_id = old.run_id;
END;
CREATE TRIGGER stored_theta AFTER INSERT ON thetas BEGIN
  UPDATE runs SET stored_bytes = stored_bytes + length(new.radians) WHERE run_id = new.run_id;
END;
CREATE TRIGGER stored_no_theta AFTER DELETE ON thetas BEGIN
  UPDATE runs SET stored_bytes = stored_bytes - length(old.radians) WHERE run_id = old.run_id;
END;
CREATE TRIGGER stored_checkpoint AFTER INSERT ON checkpoints BEGIN
  UPDATE runs SET stored_bytes = stored_bytes + new.bytes WHERE run_id = new.run_id;
END;
CREATE TRIGGER stored_other_checkpoint AFTER UPDATE OF bytes ON checkpoints BEGIN
  UPDATE runs SET stored_bytes = stored_bytes + new.bytes - old.bytes WHERE run_id = new.run_id;
END;
CREATE TRIGGER stored_no_checkpoint AFTER DELETE ON checkpoints BEGIN
  UPDATE runs SET stored_bytes = stored_bytes - old.bytes WHERE run_id = old.run_id;
END;

-- Up to which position of all events some are pruned; an experiment's own log is pruned up to its
-- first event.
INSERT INTO counters (name, value) VALUES ('events_pruned', 0);
