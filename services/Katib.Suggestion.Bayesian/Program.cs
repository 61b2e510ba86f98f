using Katib.Algorithms.Bayesian;
using Katib.Hosting;

return await SuggestionHost.RunAsync(args, "bayesianoptimization", new BayesianOptimization());
