-- A trial may report in several streams, such as event files, each in its own order; '' is the only one of most trials.
CREATE TABLE observations_4 (
  experiment INTEGER NOT NULL,
  trial INTEGER NOT NULL,
  stream TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  metric TEXT NOT NULL,
  value TEXT NOT NULL,
  time TEXT,
  step INTEGER,
  PRIMARY KEY (experiment, trial, stream, ordinal),
  FOREIGN KEY (experiment, trial) REFERENCES trials (experiment, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO observations_4 (experiment, trial, stream, ordinal, metric, value, time)
SELECT experiment, trial, '', ordinal, metric, value, time FROM observations;
DROP TABLE observations;
ALTER TABLE observations_4 RENAME TO observations;

-- For how long an experiment has been worked on.
ALTER TABLE experiments ADD COLUMN worked_ms INTEGER NOT NULL DEFAULT 0;

-- What users want of an experiment while it is worked on: no further trials (1), and how single trials are to end.
ALTER TABLE experiments ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trials ADD COLUMN wish TEXT;

-- The attempts at a trial that have failed, as JSON.
ALTER TABLE trials ADD COLUMN failed_attempts TEXT NOT NULL DEFAULT '[]';
