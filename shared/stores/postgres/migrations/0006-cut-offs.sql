-- A containment ends what was open when its alert came, and spares what was opened later. Of a change before it, which
-- spared nothing, the revocation is kept beside it: Redis is told of both.
ALTER TABLE users
  ADD COLUMN epoch_opened_before timestamptz,
  ADD COLUMN earlier_epoch       integer,
  ADD COLUMN earlier_changed_at  timestamptz,
  ADD COLUMN earlier_reason      text,
  ADD COLUMN earlier_containment text;

-- A containment that is carried out again raises no epoch again.
ALTER TABLE audit ADD COLUMN containment text;
CREATE UNIQUE INDEX audit_containment ON audit (user_id, containment);
