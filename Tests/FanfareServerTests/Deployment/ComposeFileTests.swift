import FanfareCore
import FanfareTestKit
import Foundation
import Testing
import Yams

@testable import FanfareServer

/// docker-compose.yml, the Dockerfile and nginx' files against the code that they configure.
@Suite("Deployment files")
struct ComposeFileTests {
    private func text(_ path: String) throws -> String {
        try String(contentsOfFile: Repository.path + "/" + path, encoding: .utf8)
    }

    private func service(_ name: String) throws -> [String: Any] {
        let file = try #require(try Yams.load(yaml: text("docker-compose.yml")) as? [String: Any])
        let services = try #require(file["services"] as? [String: Any])
        return try #require(services[name] as? [String: Any])
    }

    /// The variables of the node, with compose's own `${NAME:-default}` filled in, and without those that only come from its caller.
    private func environment() throws -> [String: String] {
        let values = try #require(try service("node")["environment"] as? [String: Any])
        return values.filter { !($0.value is NSNull) }.mapValues {
            "\($0)".replacing(/\$\{[A-Z_]+:-([^}]*)\}/) { "\($0.1)" }
        }
    }

    @Test("every variable that compose sets exists, and together they are a valid configuration")
    func variables() async throws {
        let environment = try environment()
        let result = try await ConfigurationReader(
            flags: [:], environment: environment, file: nil,
            machine: Machine(hostName: "n", cores: 2, maxOpenFiles: 20_000)
        ).read()
        #expect(result.warnings.isEmpty, "\(result.warnings)")
        // Open to everybody for a first try, and the admin port to the network of compose: said so, and nothing else.
        let dangers = result.dangers.compactMap { $0.split(separator: ":").first }
        #expect(dangers == ["variable FANFARE_DEV", "variable FANFARE_ADMIN_INSECURE"], "\(result.dangers)")
        #expect(result.configuration.redis.first?.address == .host("redis", port: 6_379))
        #expect(result.configuration.adminHost == "0.0.0.0")
        let file = try Yams.load(yaml: text("docker-compose.yml")) as? [String: Any]
        #expect((file?["services"] as? [String: Any])?["redis"] != nil, "the host that FANFARE_REDIS names")
    }

    @Test("ports match: what nginx asks is what a node listens on, what is published is what nginx listens on")
    func ports() throws {
        let defaults = NodeConfiguration()
        #expect(try text("nginx/upstream.compose.conf").contains("server node:\(defaults.port) resolve max_fails=0;"))
        #expect(try text("Deploy/Dockerfile").contains("EXPOSE \(defaults.port) \(defaults.adminPort)"))
        #expect(try text("nginx/listen.compose.conf").contains("listen 80;"))
        let published = try #require(try service("nginx")["ports"] as? [String])
        #expect(published.count == 1 && published[0].hasSuffix(":80"))
        #expect(try service("node")["ports"] == nil, "nodes and their admin ports are not published")
        #expect(try service("redis")["ports"] == nil)
    }

    @Test("nginx is more patient than a ping and its answer, and the code knows how patient")
    func timeouts() async throws {
        let proxy = try text("nginx/proxy.conf")
        for directive in ["proxy_read_timeout", "proxy_send_timeout"] {
            let seconds = try #require(proxy.firstMatch(of: try Regex("\(directive) +(\\d+)s;"))?.output[1].substring)
            #expect(Duration.seconds(try #require(Int(seconds))) == NodeConfiguration.shippedProxyTimeout)
        }
        let keepAlive = try await ConfigurationReader(flags: [:], environment: environment(), file: nil).read()
            .configuration.keepAlive
        let interval = try #require(keepAlive.pingInterval)
        #expect(interval + keepAlive.pongTimeout < NodeConfiguration.shippedProxyTimeout)
    }

    @Test("nodes believe nginx about addresses, and nginx hands on none that a client wrote")
    func addresses() async throws {
        let configuration = try await ConfigurationReader(flags: [:], environment: environment(), file: nil).read()
            .configuration
        let container = try #require(ClientAddress("172.18.0.3"))
        #expect(configuration.trusted.contains(container) && configuration.clientAddress == .xForwardedFor)
        let proxy = try text("nginx/proxy.conf")
        #expect(proxy.contains("proxy_set_header X-Forwarded-For   $remote_addr;"))
        #expect(proxy.contains("proxy_set_header Forwarded         '';"))
    }

    @Test("a node has more time to stop than its drain takes")
    func stopping() async throws {
        let grace = try #require(try service("node")["stop_grace_period"] as? String)
        let drain = try await ConfigurationReader(flags: [:], environment: environment(), file: nil).read()
            .configuration.drain
        let time = try #require(SettingText.duration(grace))
        #expect(time >= drain + FanfareNode.drainGrace)
    }

    @Test("the node's container is confined, checks its health, and needs no root")
    func confinement() throws {
        let node = try service("node")
        #expect(node["read_only"] as? Bool == true)
        #expect(node["cap_drop"] as? [String] == ["ALL"])
        #expect((node["security_opt"] as? [String])?.contains("no-new-privileges:true") == true)
        #expect((node["deploy"] as? [String: Any])?["replicas"] as? Int == 3)
        let dockerfile = try text("Deploy/Dockerfile")
        #expect(dockerfile.contains("USER 10001") && dockerfile.contains("HEALTHCHECK"))
        #expect(!dockerfile.contains("# syntax"))
    }

    @Test("every file that compose mounts is there")
    func mounts() throws {
        for name in ["redis", "nginx"] {
            for mount in try #require(try service(name)["volumes"] as? [String]) {
                let source = try #require(mount.split(separator: ":").first)
                #expect(FileManager.default.fileExists(atPath: Repository.path + "/" + source), "\(source)")
                #expect(mount.hasSuffix(":ro"))
            }
        }
        let main = try text("nginx/nginx.conf")
        for include in ["maps.conf", "upstream.conf", "listen.conf", "server.conf"] {
            #expect(main.contains("include \(include);"))
        }
    }
}
