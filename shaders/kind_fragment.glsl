// The material of every sample: eyes look there for their lids.

flat in int kind;

out float material;

void main() { material = float(kind); }
