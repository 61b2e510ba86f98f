// Descends on x^2 and pushes the loss after every step: `dotnet run push.cs`.
using System.Globalization;

var rate = double.Parse(Environment.GetEnvironmentVariable("STEP_LENGTH")!, CultureInfo.InvariantCulture);
using var http = new HttpClient();
http.DefaultRequestHeaders.Authorization = new("Bearer", Environment.GetEnvironmentVariable("KATIB_PUSH_TOKEN"));
var x = 1.0;
for (var step = 1; step <= 10; step++)
{
    x -= rate * 2 * x;
    await PushAsync(step, "loss", x * x);
}

// Sent again where no answer comes: a step counts once.
async Task PushAsync(int step, string metric, double value)
{
    for (var attempt = 0; ; attempt++)
    {
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            [metric] = value.ToString("R", CultureInfo.InvariantCulture),
            ["step"] = step.ToString(CultureInfo.InvariantCulture),
        });
        try
        {
            using var answer = await http.PostAsync(Environment.GetEnvironmentVariable("KATIB_PUSH_URL"), form);
            if ((int)answer.StatusCode < 500)
            {
                answer.EnsureSuccessStatusCode();
                return;
            }
        }
        catch (HttpRequestException unanswered) when (unanswered.StatusCode is null && attempt < 30)
        {
        }

        await Task.Delay(1000);
    }
}
