using Katib.Algorithms.Grid;
using Katib.Hosting;

return await SuggestionHost.RunAsync(args, "grid", new GridSearch());
