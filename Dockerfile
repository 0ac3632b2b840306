# One image: Node 24, git, the sandbox, and what a kernel tree's own Kconfig needs.
#
#   docker build -t depbot .
#   docker run --rm -i --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
#     --security-opt systempaths=unconfined \
#     -v "$PWD/linux:/tree:ro" -v depbot-cache:/var/cache/depbot depbot check - --tree /tree < series.mbox
#
# bubblewrap makes user namespaces, which Docker's default seccomp and AppArmor profiles refuse; narrower
# profiles that allow clone(CLONE_NEWUSER), unshare, mount and pivot_root do as well. In its namespaces it
# mounts a /proc, which the kernel refuses where files of the container's own /proc are masked: systempaths.
# The tree may be read-only and belong to another user; so may the root (--read-only --tmpfs /tmp), since depbot
# writes only to /tmp and its two volumes. The first run fills the cache; the named volume keeps it for the next.

FROM node:24-bookworm-slim AS packages
WORKDIR /opt/depbot
COPY package.json package-lock.json .npmrc ./
# Not npm ci: the lock file may lack optional packages of other platforms (see queue/provision-npm.ts).
RUN npm install --no-save --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      bc bison bubblewrap flex gcc git libc6-dev make xz-utils \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/depbot
COPY --from=packages /opt/depbot/node_modules node_modules
COPY . .
# The cache holds what can be made again, /var/lib/depbot the repositories that series are applied in.
ENV NODE_ENV=production DEPBOT_CACHE=/var/cache/depbot XDG_STATE_HOME=/var/lib
RUN install -d -o node -g node /var/cache/depbot /var/lib/depbot
VOLUME /var/cache/depbot /var/lib/depbot
USER node
ENTRYPOINT ["node", "/opt/depbot/bot/depbot.mjs"]
CMD ["--help"]
