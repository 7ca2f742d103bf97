-- False only where no device token was ever issued: then no sign-in asks the table of tokens. An account from before may
-- have issued one, and so may one that a version before this creates.
ALTER TABLE users ADD COLUMN device_tokens boolean NOT NULL DEFAULT true;
