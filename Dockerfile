# The local stack in a container: what `make run` starts, with everything that it would download already inside.
FROM node:24-bookworm-slim

# Debian 12 has Python 3.11, the version that the deployed functions run on. Its packages are not pinned: old versions leave the archive, and the security fix is wanted.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /fanfare
RUN mkdir .local && chown 1000:1000 /fanfare .local
USER 1000:1000

# What changes seldom comes first: a change of the code installs nothing anew.
COPY --chown=1000:1000 requirements.txt package.json package-lock.json .npmrc ./
COPY --chown=1000:1000 local/setup.sh local/setup.sh
RUN sh local/setup.sh python && sh local/setup.sh node
RUN node_modules/.bin/firebase setup:emulators:firestore

COPY --chown=1000:1000 . .

# Inside a container the gateway has to listen to the network; which port of the host leads to it is compose.yaml's to say.
ENV HOST=0.0.0.0 PORT=8080 KEEP=1
EXPOSE 8080
# What is stored survives the container: .local/kept is written when it is stopped.
VOLUME /fanfare/.local
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/api/v1/health`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD [".venv/bin/python", "-m", "local"]
