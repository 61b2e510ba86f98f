using System.Globalization;
using Digits;

const int Folds = 5;

Hyperparameters hyperparameters;
try
{
    hyperparameters = Hyperparameters.Parse(args);
}
catch (FormatException problem)
{
    await Console.Error.WriteLineAsync(problem.Message);
    return 2;
}

var data = Path.Combine(AppContext.BaseDirectory, "digits.csv");
var fold = 0;
var accuracy = 0.0;
var logLoss = 0.0;
foreach (var measured in new DigitClassifier(hyperparameters).CrossValidate(data, Folds))
{
    // Means of the folds so far: the last line is the result, the ones before it are how it came about.
    fold++;
    accuracy += (measured.MicroAccuracy - accuracy) / fold;
    logLoss += (measured.LogLoss - logLoss) / fold;
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"fold={fold} accuracy={accuracy:F4} log-loss={logLoss:F4}"));
}

return 0;
