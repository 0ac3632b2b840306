# One image for everything: Node 24, git, Redis, the sandbox, and what a kernel tree's own Kconfig and builds need.
#
#   docker build -t depbot .
#   docker run --rm -i --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
#     --security-opt systempaths=unconfined \
#     -v "$PWD/linux:/tree:ro" -v depbot-cache:/var/cache/depbot depbot check - --tree /tree < series.mbox
#
# Why the sandbox needs these options, and an example with two workers: docs/operating.md, "Containers". The tree may be
# read-only and belong to another user; so may the root (--read-only --tmpfs /tmp), since depbot writes only to /tmp and
# its two volumes. The first run fills the cache; the named volume keeps it for the next.
#
# The Node of both stages, to the patch level; its image is rebuilt when Debian mends something.
FROM node:24.21.0-bookworm-slim AS node

FROM node AS packages
WORKDIR /opt/depbot
COPY package.json package-lock.json .npmrc ./
# Not npm ci: the lock file may lack optional packages of other platforms (see queue/provision-npm.ts).
RUN npm install --no-save --omit=dev --no-audit --no-fund

FROM node
# Compilers for other architectures, so that what is found there is built: --build-arg CROSS="gcc-aarch64-linux-gnu ..."
ARG CROSS=""
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      bc bison bubblewrap ccache flex gcc git libc6-dev make redis-server tini util-linux \
      xz-utils $CROSS \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/depbot
COPY --from=packages /opt/depbot/node_modules node_modules
COPY . .
# The cache holds what can be made again, /var/lib/depbot the repositories that series are applied in, and mails.
ENV NODE_ENV=production DEPBOT_CACHE=/var/cache/depbot XDG_STATE_HOME=/var/lib
RUN install -d -o node -g node /var/cache/depbot /var/lib/depbot \
 && ln -s /opt/depbot/bot/depbot.mjs /usr/local/bin/depbot
VOLUME /var/cache/depbot /var/lib/depbot
USER node
# Healthy: Redis answers, and no series waits without a worker. A check without settings has neither.
HEALTHCHECK --interval=60s --timeout=20s --start-period=30s \
  CMD [ ! -e /etc/depbot/depbot.toml ] || exec depbot status --config /etc/depbot/depbot.toml
# tini as process 1 buries the sandbox's processes, two a command, which Node would leave there as zombies.
ENTRYPOINT ["tini", "--", "depbot"]
CMD ["--help"]
