using Katib.Algorithms.EarlyStopping;
using Katib.Hosting;

return await StoppingHost.RunAsync(args, ("medianstop", new MedianStop()), ("asha", new SuccessiveHalving()));
