# One image for all services; docker-compose.yml sets the command of each container.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    YTARCHIVE_DATA=/data

WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt
COPY . .
# Compiled at build time, since containers run with a read-only file system.
RUN python -m compileall -q downloads ytarchive \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin ytarchive \
    && install -d -m 0700 -o ytarchive -g ytarchive /data

USER 10001:10001
VOLUME /data
EXPOSE 8000
# All commands stop cleanly at SIGTERM.
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "manage.py"]
CMD ["up", "--bind", "0.0.0.0"]
