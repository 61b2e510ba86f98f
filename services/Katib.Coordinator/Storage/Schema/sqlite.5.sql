-- What the tokens are made with that trials push their metrics with.
ALTER TABLE store ADD COLUMN secret TEXT NOT NULL DEFAULT '';
UPDATE store SET secret = lower(hex(randomblob(32)));

-- What a value that is pushed twice is known by; null for those that are read in the order in which they were written.
ALTER TABLE observations ADD COLUMN identity TEXT;
CREATE UNIQUE INDEX observations_by_identity ON observations (experiment, trial, identity) WHERE identity IS NOT NULL;

-- What an experiment waits for, since when a trial's reason holds, and when it last reported a value.
ALTER TABLE experiments ADD COLUMN note TEXT;
ALTER TABLE trials ADD COLUMN reason_since TEXT;
ALTER TABLE trials ADD COLUMN reported_at TEXT;
