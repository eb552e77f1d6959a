# want: BaseNamesPlatform
FROM amd64/python:3.12-slim
COPY app.py /
CMD ["python", "/app.py"]
