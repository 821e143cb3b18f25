# One target a program: docker build --target fetcher . They share all but the program itself.

FROM debian:bookworm-slim AS build
WORKDIR /src
COPY deploy/packages.txt deploy/
RUN apt-get update \
 && apt-get install -y --no-install-recommends $(sed -n 's/^build //p' deploy/packages.txt) \
 && rm -rf /var/lib/apt/lists/*
COPY . .
RUN make -j"$(nproc)" CFLAGS=-O2 BUILD=/build all \
 && make CFLAGS=-O2 BUILD=/build PREFIX=/usr/local DESTDIR=/image install \
 && strip --strip-debug /image/usr/local/bin/*
# The packages of the libraries that the programs are linked with. dpkg knows some files by their place before /usr was merged, so it is
# asked by the file's name.
RUN ldd /image/usr/local/bin/* | awk '$2 == "=>" { n = split($3, path, "/"); print "*/" path[n] }' | sort -u \
    | xargs dpkg-query --search | sed 's/:.*//' | sort -u > /packages

FROM debian:bookworm-slim AS runtime
COPY --from=build /packages /usr/share/gistmill/packages
# curl asks a program whether it is ready; ca-certificates for pages, models and brokers behind TLS.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl $(cat /usr/share/gistmill/packages) \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 gistmill \
 && useradd --uid 10001 --gid 10001 --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin gistmill
USER 10001:10001
WORKDIR /tmp

FROM runtime AS fetcher
COPY --from=build /image/usr/local/bin/fetcher /usr/local/bin/
RUN ["fetcher", "--version"]
CMD ["fetcher"]

FROM runtime AS parser
COPY --from=build /image/usr/local/bin/parser /usr/local/bin/
RUN ["parser", "--version"]
CMD ["parser"]

FROM runtime AS summarizer
COPY --from=build /image/usr/local/bin/summarizer /usr/local/bin/
RUN ["summarizer", "--version"]
CMD ["summarizer"]

FROM runtime AS writer
COPY --from=build /image/usr/local/bin/writer /usr/local/bin/
RUN ["writer", "--version"]
CMD ["writer"]

FROM runtime AS gateway
COPY --from=build /image/usr/local/bin/gateway /usr/local/bin/
RUN ["gateway", "--version"]
CMD ["gateway"]

FROM runtime AS gistmill
COPY --from=build /image/usr/local/bin/gistmill /usr/local/bin/
RUN ["gistmill", "version"]
# So that it draws its bar with more than ASCII.
ENV LANG=C.UTF-8
ENTRYPOINT ["gistmill"]
