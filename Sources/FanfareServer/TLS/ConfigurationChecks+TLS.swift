import FanfareCore
import SystemPackage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Certificate and key of the public port.
extension ConfigurationChecks {
    /// Takes both or neither, and tries them, so that a mistake is told now and with the name of its setting.
    func completeTLS(_ configuration: inout NodeConfiguration, problems: inout [String]) {
        guard isKnown("tls-certificate", "tls-key") else { return }
        switch (text("tls-certificate"), text("tls-key")) {
        case (let certificate?, let key?):
            let files = TLSFiles(certificate: certificate, key: key)
            configuration.tls = files
            do throws(TLSProblem) {
                _ = try TLSIdentity(files, closeTimeout: configuration.limits.closeTimeout)
            } catch {
                problems.append("\(name(error.setting)): '\(error.path)' \(error.reason)")
            }
        case (_?, nil):
            problems.append("\(name("tls-certificate")): tls-key is missing, the file of the certificate's private key")
        case (nil, _?):
            problems.append("\(name("tls-key")): tls-certificate is missing, the file of the key's certificate")
        case (nil, nil): break
        }
    }

    func tlsDangers(_ configuration: NodeConfiguration) -> [String] {
        guard let files = configuration.tls else { return [] }
        var found: [String] = []
        let now = Int(NodeClock.system.wallMicroseconds() / 1_000_000)
        let identity = try? TLSIdentity(files, closeTimeout: configuration.limits.closeTimeout)
        if let oddity = identity?.oddity(at: now) {
            found.append("\(name("tls-certificate")): the certificate in '\(files.certificate)' \(oddity)")
        }
        var status = stat()
        if stat(files.key, &status) == 0, status.st_mode & S_IROTH != 0 {
            found.append("\(name("tls-key")): all users of this machine can read '\(files.key)' (chmod 600)")
        }
        return found
    }

    func tlsWithoutEffect(_ configuration: NodeConfiguration) -> [String] {
        if configuration.tls == nil {
            return given["tls-reload-interval"].map { ["\($0.origin) has no effect: there is no tls-certificate"] }
                ?? []
        }
        guard configuration.directWrite, let origin = given["direct-write"]?.origin else { return [] }
        return ["\(origin) has no effect: with TLS all bytes go through NIO's write path"]
    }
}
