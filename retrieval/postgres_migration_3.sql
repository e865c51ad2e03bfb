CREATE TABLE winnow.tenants (
    tenant text COLLATE "C" PRIMARY KEY,
    num_bytes bigint NOT NULL
);

ALTER TABLE winnow.documents ADD COLUMN num_bytes bigint NOT NULL DEFAULT 0;

UPDATE winnow.documents SET num_bytes = 500 + octet_length(source) + coalesce((
    SELECT sum(
        200 + octet_length(r.text) + coalesce(octet_length(r.question), 0)
        + coalesce(octet_length(r.answer), 0) + 3 * octet_length(r.terms)
        + coalesce(vector_dims(r.vector), 0) * 4
    )
    FROM winnow.records r WHERE r.document_id = documents.id
), 0);

INSERT INTO winnow.tenants (tenant, num_bytes)
SELECT c.tenant, count(DISTINCT c.id) * 65536 + coalesce(sum(d.num_bytes), 0)
FROM winnow.collections c LEFT JOIN winnow.documents d ON d.collection_id = c.id
GROUP BY c.tenant;
