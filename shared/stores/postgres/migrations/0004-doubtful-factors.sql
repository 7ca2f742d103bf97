-- Turned on by a device that was new to the account: a session from before may still undo it with the password.
ALTER TABLE users ADD COLUMN totp_doubtful boolean NOT NULL DEFAULT false;
