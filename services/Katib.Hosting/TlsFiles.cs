using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Katib.Hosting;

/// <summary>The operator's certificates are missing or wrong; the message says which and how.</summary>
public sealed class InvalidTlsException(string message) : Exception(message);

/// <summary>Where the certificates of a service lie, in PEM.</summary>
/// <param name="Certificate">Its certificate, and after it those that lead to its authority.</param>
/// <param name="Key">The private key of the certificate.</param>
/// <param name="ClientAuthority">The authorities whose certificates callers must show; null when anybody may call.</param>
internal sealed record TlsFiles(string Certificate, string Key, string? ClientAuthority)
{
    private const string CertificateVariable = "TLS_CERT_FILE";
    private const string KeyVariable = "TLS_KEY_FILE";
    private const string ClientAuthorityVariable = "TLS_CLIENT_CA_FILE";

    /// <summary>What the environment names; null when it names nothing, which means plaintext.</summary>
    /// <exception cref="InvalidTlsException">It names only a part.</exception>
    public static TlsFiles? FromEnvironment() => (Read(CertificateVariable), Read(KeyVariable), Read(ClientAuthorityVariable)) switch
    {
        (null, null, null) => null,
        ({ } certificate, { } key, var authority) => new(certificate, key, authority),
        _ => throw new InvalidTlsException(
            $"TLS wants both {CertificateVariable} and {KeyVariable}; {ClientAuthorityVariable} goes with them."),
    };

    /// <summary>The bytes of the files, to see whether they have changed.</summary>
    /// <exception cref="InvalidTlsException">A file cannot be read.</exception>
    public TlsContent ReadContent() => new(
        ReadFile(CertificateVariable, Certificate),
        ReadFile(KeyVariable, Key),
        ClientAuthority is null ? null : ReadFile(ClientAuthorityVariable, ClientAuthority));

    /// <summary>The certificates that the content holds.</summary>
    /// <exception cref="InvalidTlsException">It holds none, or the key is another certificate's.</exception>
    public TlsCertificates Parse(TlsContent content)
    {
        var chain = Certificates(CertificateVariable, Certificate, content.Certificate);
        var authorities = content.ClientAuthority is { } pem
            ? Certificates(ClientAuthorityVariable, ClientAuthority!, pem)
            : null;
        return new(Own(content), chain, authorities);
    }

    private X509Certificate2Collection Own(TlsContent content)
    {
        try
        {
#pragma warning disable CA2000 // It lives as long as connections that were made with it.
            return [X509Certificate2.CreateFromPem(content.Certificate, content.Key)];
#pragma warning restore CA2000
        }
        catch (Exception mismatch) when (mismatch is CryptographicException or ArgumentException)
        {
            throw new InvalidTlsException(
                $"{KeyVariable} '{Key}' holds no private key, without a password, of the certificate in "
                + $"{CertificateVariable} '{Certificate}'. {mismatch.Message}");
        }
    }

    private static string? Read(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } file ? file : null;

    private static string ReadFile(string variable, string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new InvalidTlsException($"{variable} '{file}' cannot be read. {unreadable.Message}");
        }
    }

    private static X509Certificate2Collection Certificates(string variable, string file, string pem)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(pem);
        }
        catch (CryptographicException unreadable)
        {
            throw new InvalidTlsException($"{variable} '{file}' holds a certificate that is none. {unreadable.Message}");
        }

        return certificates.Count > 0
            ? certificates
            : throw new InvalidTlsException($"{variable} '{file}' holds no certificate; it must be PEM.");
    }
}

/// <summary>The text of the three files.</summary>
internal sealed record TlsContent(string Certificate, string Key, string? ClientAuthority);

/// <summary>One state of a service's certificates, and how its connections are made with it.</summary>
/// <param name="own">The certificate with its key, alone.</param>
/// <param name="chain">The certificate and those that lead to its authority.</param>
/// <param name="clientAuthorities">Whose certificates callers must show.</param>
internal sealed class TlsCertificates(
    X509Certificate2Collection own, X509Certificate2Collection chain, X509Certificate2Collection? clientAuthorities)
{
    /// <summary>How the service greets its callers.</summary>
    public SslServerAuthenticationOptions Server { get; } = new()
    {
        ServerCertificateContext = SslStreamCertificateContext.Create(own[0], chain, offline: true),
        ClientCertificateRequired = clientAuthorities is not null,
        RemoteCertificateValidationCallback =
            (_, caller, _, _) => clientAuthorities is null || IsOwn(own[0], caller) || IsTrusted(clientAuthorities, caller),
    };

    /// <summary>How the service is probed: by itself, so that it need not be told whom to trust.</summary>
    public SslClientAuthenticationOptions Probe { get; } = new()
    {
        LocalCertificateSelectionCallback = (_, _, _, _, _) => own[0],
        RemoteCertificateValidationCallback = (_, service, _, _) => IsOwn(own[0], service),
    };

    /// <summary>Whoever holds the service's own private key is the service: its probe.</summary>
    private static bool IsOwn(X509Certificate2 own, X509Certificate? other) =>
        other is not null && own.RawDataMemory.Span.SequenceEqual(other.GetRawCertData());

    private static bool IsTrusted(X509Certificate2Collection authorities, X509Certificate? caller)
    {
        if (caller is not X509Certificate2 certificate)
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        return chain.Build(certificate);
    }
}
