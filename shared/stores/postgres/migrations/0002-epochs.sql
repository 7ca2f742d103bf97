-- When a user's epoch moved last and why: Redis is told from here, again if it has forgotten.
ALTER TABLE users
  ADD COLUMN epoch_changed_at  timestamptz,
  ADD COLUMN epoch_reason      text,
  ADD COLUMN epoch_containment text;

CREATE INDEX users_epoch_changed ON users (epoch_changed_at DESC, id) WHERE epoch_changed_at IS NOT NULL;

-- What is kept is bounded: rows end by age.
CREATE INDEX audit_at ON audit (at);
