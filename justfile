# What CI runs.
ci:
    bash .ci/run

# Renew reports/sample.
samples:
    UPDATE_SAMPLES=1 cargo test --test main sample
