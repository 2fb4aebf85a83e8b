# Faro in one static file. Build: docker build -t faro .   Start: see compose.yaml
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN make learned \
    && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" -o /out/faro ./cmd/faro \
    && go run ./internal/licences -texts > /out/LICENCES \
    && mkdir -m 700 /out/data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/faro /faro
COPY --from=build /out/LICENCES /LICENCES
COPY --from=build --chown=nonroot:nonroot /out/data /data
ENV FARO_DATA=/data FARO_LISTEN=0.0.0.0:8080
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["/faro"]
CMD ["serve"]
