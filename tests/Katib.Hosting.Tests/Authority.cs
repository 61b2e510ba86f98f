using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Katib.Hosting.Tests;

/// <summary>An authority that issues certificates for this machine.</summary>
internal sealed class Authority : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _certificate;
    private byte _serial;

    public Authority(string name)
    {
        var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _certificate = request.CreateSelfSigned(From, From.AddDays(2));
    }

    public string Pem => _certificate.ExportCertificatePem();

    private DateTimeOffset From { get; } = TimeProvider.System.GetUtcNow().AddDays(-1);

    /// <summary>A certificate with its key.</summary>
    public (string Certificate, string Key) Issue(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        names.AddDnsName("localhost");
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(names.Build());
        using var issued = request.Create(_certificate, From, From.AddDays(2), [++_serial]);
        return (issued.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>A caller who trusts this authority alone and shows a certificate, if there is one.</summary>
    public SocketsHttpHandler Client((string Certificate, string Key)? own)
    {
        var handler = new SocketsHttpHandler();
        handler.SslOptions.CertificateChainPolicy = new()
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { _certificate },
            RevocationMode = X509RevocationMode.NoCheck,
        };
        if (own is var (certificate, key))
        {
#pragma warning disable CA2000 // It lives as long as the handler.
            handler.SslOptions.ClientCertificates = [X509Certificate2.CreateFromPem(certificate, key)];
#pragma warning restore CA2000
        }

        return handler;
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _key.Dispose();
    }
}
