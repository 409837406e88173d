@testable import FanfareServer

extension FuzzTarget {
    /// Which pages may connect: a page that is not listed never may.
    static let origins = FuzzTarget(name: "origins", maxBytes: 256) { input in
        var input = input
        let (policyText, origin, host) = (input.text(), input.text(), input.text())
        expect(!OriginPolicy.sameHost.allows([origin], host: nil), "'\(origin)' is allowed without any rule")
        expect(OriginPolicy.sameHost.allows([], host: host), "a program without an origin is kept out")
        if OriginPolicy.sameHost.allows([origin], host: host) {
            let isSame = origin.lowercased().holds(host.lowercased().split(separator: ":").first ?? "?")
            expect(isSame, "'\(origin)' is not from '\(host)'")
        }
        expect(!OriginPolicy.sameHost.allows([origin, origin], host: host), "two origins")
        guard let policy = try? OriginPolicy(policyText) else { return }
        if policy.allows([origin], host: nil), !policy.allowsAny {
            let entries = policyText.lowercased().split(separator: ",").map { $0.filter { $0 != " " } }
            let isListed = entries.contains { entry in
                let suffix = entry.split(separator: "*", maxSplits: 1).last.map { $0.prefix { $0 != ":" } } ?? ""
                let scheme = entry.prefix { $0 != ":" }
                return origin.lowercased().hasPrefix(scheme) && origin.lowercased().holds(suffix)
            }
            expect(isListed, "'\(origin)' is not in '\(policyText)'")
        }
        if !policyText.contains(where: { "*, ".contains($0) }), policyText == policyText.lowercased() {
            expect(policy.allows([policyText], host: nil), "'\(policyText)' does not allow itself")
        }
    }
}
