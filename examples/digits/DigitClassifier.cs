using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using Microsoft.ML.Transforms;

namespace Digits;

/// <summary>
/// Tells handwritten digits apart: pixels, random features of a kernel, multinomial logistic regression.
/// </summary>
/// <remarks>
/// Rahimi and Recht, "Random Features for Large-Scale Kernel Machines", 2007. One thread and fixed seeds: a trial
/// that is run again reports the same numbers, however many others run beside it.
/// </remarks>
internal sealed class DigitClassifier(Hyperparameters hyperparameters)
{
    private const int PixelCount = 64;
    private const int Seed = 1;

    private readonly MLContext _context = new(Seed);

    /// <summary>Trains on all folds but one and measures on that one, for each fold in turn.</summary>
    public IEnumerable<MulticlassClassificationMetrics> CrossValidate(string path, int folds)
    {
        var images = _context.Data.Cache(_context.Data.LoadFromTextFile(path, new TextLoader.Options
        {
            Separators = [','],
            Columns = [new("Pixels", DataKind.Single, 0, PixelCount - 1), new("Digit", DataKind.UInt32, PixelCount)],
        }));

        foreach (var fold in _context.Data.CrossValidationSplit(images, folds, seed: Seed))
        {
            var model = Pipeline().Fit(fold.TrainSet);
            yield return _context.MulticlassClassification.Evaluate(model.Transform(fold.TestSet));
        }
    }

    private EstimatorChain<ITransformer> Pipeline()
    {
        KernelBase kernel = hyperparameters.Kernel == "gaussian"
            ? new GaussianKernel(hyperparameters.Gamma)
            : new LaplacianKernel(hyperparameters.Gamma);

        return new EstimatorChain<ITransformer>()
            .Append(_context.Transforms.Conversion.MapValueToKey("Label", "Digit"))
            .Append(_context.Transforms.NormalizeMinMax("Pixels"))
            .Append(_context.Transforms.ApproximatedKernelMap(
                "Features", "Pixels", hyperparameters.Features, useCosAndSinBases: true, kernel, Seed))
            .AppendCacheCheckpoint(_context)
            .Append<ITransformer>(_context.MulticlassClassification.Trainers.SdcaMaximumEntropy(
                new SdcaMaximumEntropyMulticlassTrainer.Options
                {
                    L1Regularization = 0,
                    L2Regularization = 1e-5f,
                    MaximumNumberOfIterations = hyperparameters.Epochs,

                    // Strict enough never to be met early: the epochs asked for are the epochs trained.
                    ConvergenceTolerance = 1e-6f,
                    NumberOfThreads = 1,
                }));
    }
}
