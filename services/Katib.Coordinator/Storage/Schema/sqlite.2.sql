-- `katib logs TRIAL` finds a trial by its name alone.
CREATE INDEX trials_by_name ON trials (name);
