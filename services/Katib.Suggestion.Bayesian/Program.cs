using System.Numerics;
using System.Runtime.InteropServices;
using Katib.Algorithms.Bayesian;
using Katib.Hosting;

// A binary for the oldest processors works, but nobody should run it unawares.
if (RuntimeInformation.ProcessArchitecture is Architecture.X64 && Vector<double>.Count < 4)
{
    await Console.Error.WriteLineAsync(
        "warning: without AVX2 suggestions take many times longer; on a processor that has it, use the x86-64-v3 binary.");
}

return await SuggestionHost.RunAsync(args, "bayesianoptimization", new BayesianOptimization());
