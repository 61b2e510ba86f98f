using System.Security.Cryptography;
using System.Text;
using Katib.Coordinator.Host;
using Microsoft.Extensions.Options;

namespace Katib.Coordinator.Api;

/// <summary>The secret that whoever submits experiments must know; only its digest is kept.</summary>
internal sealed class AccessToken
{
    /// <summary>Shorter ones can be guessed.</summary>
    public const int MinLength = 16;

    private const int RandomLength = 64;

    private readonly byte[] _digest;

    public AccessToken(string token) => _digest = DigestOf(token);

    /// <summary>The token of the options; its file is made, readable for its owner alone, when there is none.</summary>
    /// <exception cref="OptionsValidationException">There is no token that can be used.</exception>
    public static AccessToken Of(CoordinatorOptions options)
    {
        if (options.TokenFile.Length is 0)
        {
            return new(options.Token);
        }

        try
        {
            if (!File.Exists(options.TokenFile))
            {
                Create(options.TokenFile);
            }

            var token = File.ReadAllText(options.TokenFile).Trim();
            return Problem(token) is { } problem
                ? throw Refusal($"The token in Coordinator:TokenFile '{options.TokenFile}' {problem}; delete the file to get a new one.")
                : new(token);
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException)
        {
            throw Refusal($"Coordinator:TokenFile '{options.TokenFile}' cannot be used: {unusable.Message}");
        }
    }

    /// <summary>What makes a text no token, to go on from its name; null when it is one.</summary>
    public static string? Problem(string token) =>
        token.Length < MinLength ? $"must have at least {MinLength} characters"
        : token.Any(static c => c is <= ' ' or > '~') ? "must be of visible ASCII characters, without spaces"
        : null;

    /// <summary>Whether it is the token; takes the same time however much of it is right.</summary>
    public bool Matches(string given) => CryptographicOperations.FixedTimeEquals(DigestOf(given), _digest);

    private static byte[] DigestOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    private static void Create(string path)
    {
        // Whole or not at all, for a start that is cut short must not leave half a token.
        var draft = path + ".tmp";
        var creation = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            File.Delete(draft);
            creation.Mode = FileMode.CreateNew;
            creation.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var file = new StreamWriter(draft, creation))
        {
            file.WriteLine(RandomNumberGenerator.GetHexString(RandomLength, lowercase: true));
        }

        File.Move(draft, path);
    }

    private static OptionsValidationException Refusal(string message) =>
        new(CoordinatorOptions.Section, typeof(CoordinatorOptions), [message]);
}
