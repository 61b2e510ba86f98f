-- What the tokens are made with that trials push their metrics with.
ALTER TABLE store ADD COLUMN secret varchar(64) NOT NULL DEFAULT '';
UPDATE store SET secret = lower(hex(random_bytes(32))) WHERE secret = '';

-- What a value that is pushed twice is known by; null for those that are read in the order in which they were written.
ALTER TABLE observations ADD COLUMN identity varchar(64);
CREATE UNIQUE INDEX observations_by_identity ON observations (experiment, trial, identity);

-- What an experiment waits for, since when a trial's reason holds, and when it last reported a value.
ALTER TABLE experiments ADD COLUMN note longtext;
ALTER TABLE trials ADD COLUMN reason_since varchar(40);
ALTER TABLE trials ADD COLUMN reported_at varchar(40);
