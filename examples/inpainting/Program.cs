using System.Globalization;
using Inpainting;

const int Folds = 3;
const int Reports = 10;

// All trials do as much arithmetic as each other: a larger network sees the images less often.
const long MultiplyAdds = 32_000_000_000;

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

var images = Image.Read(Path.Combine(AppContext.BaseDirectory, "digits.csv"));
var folds = new List<Fold>();
for (var fold = 0; fold < Folds; fold++)
{
    folds.Add(new(images, fold, Folds, hyperparameters));
}

// The folds are trained side by side, so that each line is about all images.
var steps = Math.Max(Reports, MultiplyAdds / Folds / folds[0].MultiplyAddsPerStep);
for (var report = 1; report <= Reports; report++)
{
    var squares = 0.0;
    var distances = 0.0;
    foreach (var fold in folds)
    {
        fold.Train(steps * (report - 1) / Reports, steps * report / Reports, steps);
        var (square, distance) = fold.Measure();
        squares += square / images.Length;
        distances += distance / images.Length;
    }

    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"trained={report * 100 / Reports}% rmse={Math.Sqrt(squares):F4} mae={distances:F4}"));
}

return 0;
