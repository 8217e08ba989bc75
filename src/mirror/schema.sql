-- The mirror: one file per generation, written once, then opened read-only and immutable.
-- PRAGMA user_version holds the schema's number (mirror/mod.rs); another number means: build the mirror anew.
-- The mirror is a cache of public feeds, so there are no migrations. What holds for the generation as a whole
-- (sources, feeds and their checksums, counts) is in manifest.json beside this file.

-- Records that could not be decoded: kept whole, counted in every status.
CREATE TABLE kept_aside (feed TEXT NOT NULL, record TEXT NOT NULL, error TEXT NOT NULL, raw TEXT NOT NULL);

-- CPE vendor:product pairs in the quoted form of the formatted string. `name_key`: product in lower case,
-- separators as one `-` (model/cpe.rs).
CREATE TABLE product (
  id INTEGER PRIMARY KEY, part TEXT NOT NULL, vendor TEXT NOT NULL, product TEXT NOT NULL, name_key TEXT NOT NULL
);

-- Match criteria, each stored once. `rest`: version and the attributes after it, joined by `:`, trailing
-- `:*` left out; so '' is all ANY, '-' is version NA, '1.0:rc1' has an update. The four ends are the NVD's.
CREATE TABLE criteria (
  id INTEGER PRIMARY KEY, product_id INTEGER NOT NULL, rest TEXT NOT NULL,
  start_including TEXT, start_excluding TEXT, end_including TEXT, end_excluding TEXT
);

-- NVD records. `id`: year * 10^10 + number. `tree`: the configurations as JSON,
-- [[operator, negate, [[operator, negate, [criterion * 2 + vulnerable, ...]], ...]], ...].
-- `signals`: bit set of worlds that references (even bits) and description (odd bits) speak of.
-- `detail`: JSON of model::advisory::CveDetail: summary, assigner, every CVSS version and source, CWE, tagged
-- references, tags.
CREATE TABLE cve (
  id INTEGER PRIMARY KEY, published TEXT NOT NULL, modified TEXT NOT NULL, status TEXT NOT NULL,
  tree TEXT NOT NULL, signals INTEGER NOT NULL, detail TEXT NOT NULL
);

-- Which CVEs name a product as vulnerable.
CREATE TABLE applicability (product_id INTEGER NOT NULL, cve_id INTEGER NOT NULL, PRIMARY KEY (product_id, cve_id)) WITHOUT ROWID;

-- Configurations for CVEs that the NVD left without any (public overrides); the tree's form is that of `cve`.
CREATE TABLE override (cve_id INTEGER PRIMARY KEY, source TEXT NOT NULL, tree TEXT NOT NULL);
CREATE TABLE override_applicability (product_id INTEGER NOT NULL, cve_id INTEGER NOT NULL, PRIMARY KEY (product_id, cve_id)) WITHOUT ROWID;

-- Evidence about products, aggregated when the generation is published.
CREATE TABLE product_world (
  product_id INTEGER NOT NULL, world TEXT NOT NULL, refs INTEGER NOT NULL, words INTEGER NOT NULL, targets INTEGER NOT NULL,
  PRIMARY KEY (product_id, world)
) WITHOUT ROWID;
-- How many CVEs name a product, and the year of the newest one's id.
CREATE TABLE product_count (product_id INTEGER PRIMARY KEY, cves INTEGER NOT NULL, latest INTEGER NOT NULL);

-- Package names that the references of a CVE link to; one row per CVE, package and ecosystem.
CREATE TABLE link (cve_id INTEGER NOT NULL, ecosystem TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (cve_id, ecosystem, name)) WITHOUT ROWID;
-- The same, and what advisories of one package tell, aggregated at publish over CVEs with one vulnerable product.
CREATE TABLE learned (
  ecosystem TEXT NOT NULL, name TEXT NOT NULL, product_id INTEGER NOT NULL, cves INTEGER NOT NULL, assigners INTEGER NOT NULL,
  PRIMARY KEY (ecosystem, name, product_id)
) WITHOUT ROWID;

-- Source repositories that the references of a CVE lead into (model/repository.rs).
CREATE TABLE repository (cve_id INTEGER NOT NULL, repository TEXT NOT NULL, PRIMARY KEY (cve_id, repository)) WITHOUT ROWID;

-- Packages that a record is about although its one product has another name; that product stands for them in this record alone.
CREATE TABLE subject (
  ecosystem TEXT NOT NULL, name TEXT NOT NULL, cve_id INTEGER NOT NULL, vendor TEXT NOT NULL, product TEXT NOT NULL,
  PRIMARY KEY (ecosystem, name, cve_id)
) WITHOUT ROWID;

-- OSV advisories whole (JSON of model::osv::OsvAdvisory), the packages they name, and their other ids. An advisory
-- for several ecosystems is in the export of each, and goes only when the last of them lets it go.
CREATE TABLE osv (rowid INTEGER PRIMARY KEY, id TEXT NOT NULL, source TEXT NOT NULL, modified TEXT NOT NULL, withdrawn TEXT, body TEXT NOT NULL,
  UNIQUE (id, source));
CREATE TABLE osv_package (ecosystem TEXT NOT NULL, name TEXT NOT NULL, osv INTEGER NOT NULL, PRIMARY KEY (ecosystem, name, osv)) WITHOUT ROWID;
CREATE TABLE osv_alias (alias TEXT NOT NULL, osv INTEGER NOT NULL, PRIMARY KEY (alias, osv)) WITHOUT ROWID;

-- Packages that a CVE without any configuration names: by a reference (with its ecosystem) or in its description (the
-- ecosystem is '', the name a product's `name_key`). They are leads, never findings.
CREATE TABLE mention (cve_id INTEGER NOT NULL, ecosystem TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (cve_id, ecosystem, name)) WITHOUT ROWID;

-- From the CPE dictionary, by the quoted `vendor:product`: what the titles of its versions begin with, and the product that
-- replaced it, where all its names are deprecated.
CREATE TABLE title (product TEXT PRIMARY KEY, title TEXT NOT NULL, replaced_by TEXT) WITHOUT ROWID;

-- CISA KEV and EPSS, by CVE.
CREATE TABLE kev (cve_id INTEGER PRIMARY KEY, added TEXT NOT NULL, due TEXT NOT NULL, ransomware INTEGER NOT NULL);
CREATE TABLE epss (cve_id INTEGER PRIMARY KEY, score REAL NOT NULL, percentile REAL NOT NULL);
