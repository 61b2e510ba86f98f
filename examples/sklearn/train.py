"""One trial: trains a neural network on five folds and writes its metrics after every epoch, as lines of JSON."""

import argparse
import datetime
import json
import pathlib

import numpy
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

EPOCHS = 15
FOLDS = 5
CLASSES = [0, 1]

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--activation", choices=["relu", "tanh", "logistic"], required=True)
parser.add_argument("--hidden-units", type=int, required=True)
parser.add_argument("--learning-rate", type=float, required=True)
parser.add_argument("--batch-size", type=int, required=True)
parser.add_argument("--metrics", type=pathlib.Path, required=True, help="the file to write metrics to")
arguments = parser.parse_args()

table = numpy.loadtxt(pathlib.Path(__file__).with_name("breast_cancer.csv"), delimiter=",", skiprows=1)
features, labels = table[:, :-1], table[:, -1].astype(int)

folds = []
for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=1).split(features, labels):
    scaler = StandardScaler().fit(features[train])
    network = MLPClassifier(
        hidden_layer_sizes=[arguments.hidden_units],
        activation=arguments.activation,
        learning_rate_init=arguments.learning_rate,
        batch_size=arguments.batch_size,
        random_state=1,
    )
    folds.append((network, scaler.transform(features[train]), labels[train],
                  scaler.transform(features[test]), labels[test]))

with arguments.metrics.open("a", encoding="utf-8") as metrics:
    for epoch in range(1, EPOCHS + 1):
        accuracies, losses = [], []
        for network, train_features, train_labels, test_features, test_labels in folds:
            network.partial_fit(train_features, train_labels, CLASSES)
            accuracies.append(accuracy_score(test_labels, network.predict(test_features)))
            losses.append(log_loss(test_labels, network.predict_proba(test_features), labels=CLASSES))

        # Katib reads strings only. Each line is written at once: a reader never sees half of one.
        metrics.write(json.dumps({
            "timestamp": datetime.datetime.now(datetime.timezone.utc).isoformat(),
            "epoch": str(epoch),
            "loss": f"{numpy.mean(losses):.5f}",
            "accuracy": f"{numpy.mean(accuracies):.4f}",
        }) + "\n")
        metrics.flush()
