CREATE TABLE tenants (
    tenant TEXT PRIMARY KEY,
    num_bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE documents ADD COLUMN num_bytes INTEGER NOT NULL DEFAULT 0;

UPDATE documents SET num_bytes = 500 + length(CAST(source AS BLOB)) + coalesce((
    SELECT sum(
        200 + length(CAST(r.text AS BLOB)) + coalesce(length(CAST(r.question AS BLOB)), 0)
        + coalesce(length(CAST(r.answer AS BLOB)), 0) + 3 * length(CAST(r.terms AS BLOB))
        + coalesce(length(r.vector), 0)
    )
    FROM records r WHERE r.document_id = documents.id
), 0);

INSERT INTO tenants (tenant, num_bytes)
SELECT c.tenant, count(DISTINCT c.id) * 65536 + coalesce(sum(d.num_bytes), 0)
FROM collections c LEFT JOIN documents d ON d.collection_id = c.id GROUP BY c.tenant;
