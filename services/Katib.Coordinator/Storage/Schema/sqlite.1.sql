-- One row for each experiment; conditions and settings_echo are JSON.
CREATE TABLE experiments (
  id INTEGER PRIMARY KEY,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  manifest TEXT NOT NULL,
  folder TEXT NOT NULL,
  started_at TEXT NOT NULL,
  ended_at TEXT,
  conditions TEXT NOT NULL,
  settings_echo TEXT NOT NULL,
  UNIQUE (namespace, name)
) STRICT;

-- One row for each trial; assignments and observation are JSON.
CREATE TABLE trials (
  experiment INTEGER NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  name TEXT NOT NULL,
  assignments TEXT NOT NULL,
  status TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  reason TEXT NOT NULL,
  message TEXT NOT NULL,
  created_at TEXT NOT NULL,
  started_at TEXT,
  ended_at TEXT,
  observation TEXT NOT NULL,
  PRIMARY KEY (experiment, number)
) STRICT, WITHOUT ROWID;

-- One row for each value that a trial has reported, in the order of the report; time is null where it bore none.
CREATE TABLE observations (
  experiment INTEGER NOT NULL,
  trial INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  metric TEXT NOT NULL,
  value TEXT NOT NULL,
  time TEXT,
  PRIMARY KEY (experiment, trial, ordinal),
  FOREIGN KEY (experiment, trial) REFERENCES trials (experiment, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
