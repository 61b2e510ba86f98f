-- What an experiment waits for, since when a trial's reason holds, and when it last reported a value.
ALTER TABLE experiments ADD COLUMN note TEXT;
ALTER TABLE trials ADD COLUMN reason_since TEXT;
ALTER TABLE trials ADD COLUMN reported_at TEXT;
