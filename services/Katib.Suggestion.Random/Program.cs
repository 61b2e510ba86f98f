using Katib.Algorithms.Random;
using Katib.Hosting;

return await SuggestionHost.RunAsync(args, "random", new RandomSearch());
