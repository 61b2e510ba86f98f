-- The tables of sqlite.1.sql to sqlite.3.sql. Times are ISO 8601 in UTC, to the tick; a cast makes timestamps of them.
CREATE TABLE store (
  id text NOT NULL,
  version integer NOT NULL
);
INSERT INTO store (id, version) VALUES (left(replace(gen_random_uuid()::text, '-', ''), 12), 0);

-- One row for each experiment; conditions and settings_echo are JSON.
CREATE TABLE experiments (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  namespace text NOT NULL,
  name text NOT NULL,
  manifest text NOT NULL,
  folder text NOT NULL,
  runner text NOT NULL,
  started_at text NOT NULL,
  ended_at text,
  conditions text NOT NULL,
  settings_echo text NOT NULL,
  UNIQUE (namespace, name)
);

-- One row for each trial; assignments and observation are JSON.
CREATE TABLE trials (
  experiment bigint NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
  number integer NOT NULL,
  name text NOT NULL,
  assignments text NOT NULL,
  status text NOT NULL,
  attempt integer NOT NULL,
  reason text NOT NULL,
  message text NOT NULL,
  created_at text NOT NULL,
  started_at text,
  ended_at text,
  observation text NOT NULL,
  PRIMARY KEY (experiment, number)
);
-- `katib logs TRIAL` finds a trial by its name alone.
CREATE INDEX trials_by_name ON trials (name);

-- One row for each value that a trial has reported, in the order of the report; time is null where it bore none.
CREATE TABLE observations (
  experiment bigint NOT NULL,
  trial integer NOT NULL,
  ordinal bigint NOT NULL,
  metric text NOT NULL,
  value text NOT NULL,
  time text,
  PRIMARY KEY (experiment, trial, ordinal),
  FOREIGN KEY (experiment, trial) REFERENCES trials (experiment, number) ON DELETE CASCADE
);
