# The tracking page in a container:
#   docker build -t holdfast . && docker run -p 7860:7860 -e HOLDFAST_PASSWORD=eight-or-more holdfast
FROM python:3.11-slim
WORKDIR /holdfast
COPY . .
RUN python -m pip install --no-cache-dir -c constraints.txt \
      ./packages/common './packages/dropout_ft[page]' './packages/vl_track[page,runtimes]' \
 && useradd --create-home --uid 10001 visitor
USER 10001
WORKDIR /home/visitor
EXPOSE 7860
CMD ["vl-track", "demo", "--host", "0.0.0.0", "--port", "7860"]
