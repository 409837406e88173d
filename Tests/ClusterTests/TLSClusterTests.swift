import FanfareTestKit
import Foundation
import Testing

/// TLS to nginx and from nginx to the nodes, with the certificates of `Deploy/local-ca`.
@Suite("Cluster: TLS through nginx", .serialized)
struct TLSClusterTests {
    private struct Folder: ~Copyable {
        let path = NSTemporaryDirectory() + "fanfare-local-ca-\(UInt64.random(in: 0...UInt64.max))"

        func make() async throws {
            let tool = try ChildProcess(Repository.path + "/Deploy/local-ca", [path], name: "local-ca")
            #expect(try await tool.waitForExit() == 0, "\(tool.log)")
        }

        func text(_ name: String) throws -> String { try String(contentsOfFile: path + "/" + name, encoding: .utf8) }

        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private func flags(_ folder: borrowing Folder) -> [String] {
        ["--tls-certificate", folder.path + "/localhost.crt", "--tls-key", folder.path + "/localhost.key"]
    }

    @Test(
        "clients, nginx and nodes all speak TLS; the cookie is Secure; a node with a strange certificate gets nothing")
    func nginx() async throws {
        let folder = Folder()
        try await folder.make()
        let tls = try TLSClient(caFile: folder.path + "/ca.crt")
        let path = folder.path
        try await withNode("node-1", flags: flags(folder)) { node in
            let nginx = try await Nginx.start(ports: [node.port], tlsFolder: path)
            let page = try await HTTP.get(nginx.port, "/", tls: tls)
            #expect(page.status == 200 && page["fanfare-node"] == "node-1")
            #expect(page["set-cookie"]?.contains("; Secure") == true)
            let plain = try await HTTP.get(nginx.port, "/")
            #expect(plain.status == 400, "nginx' own answer to plain HTTP")
            let raw = try await WebSocketClient.connect(nginx.port, "/channels/a%2Fb/ws", tls: tls)
            let other = try await CentrifugeClient.connect(nginx.port, tls: tls)
            try await other.subscribe("a/b")
            let text = String(repeating: "x", count: 60_000)
            try await raw.send("\"\(text)\"")
            #expect(try await other.nextPublication().data == "\"\(text)\"")
            #expect(try await raw.nextText().count == text.count + 2)
            let post = try await HTTP.post(nginx.port, "/channels/a%2Fb", "hello", tls: tls)
            #expect(post.status == 200)
            #expect(try await raw.nextText() == "hello")
            await raw.close()
            await other.close()
            await nginx.stop()
        }
        let stranger = try TestAuthority()
        try await withNode("stranger", flags: try stranger.issue("node").flags) { node in
            let nginx = try await Nginx.start(ports: [node.port], tlsFolder: path)
            let refused = try await HTTP.get(nginx.port, "/", tls: tls)
            #expect(refused.status == 502)
            await nginx.stop()
        }
    }

    @Test("the authority is kept, for nobody else to read, and vouches for no other name")
    func authority() async throws {
        let folder = Folder()
        try await folder.make()
        let (authority, certificate) = (try folder.text("ca.crt"), try folder.text("localhost.crt"))
        try await folder.make()
        #expect(try folder.text("ca.crt") == authority, "a user has imported it")
        #expect(try folder.text("localhost.crt") == certificate)
        for name in ["ca.key", "localhost.key"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.path + "/" + name)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(files == ["ca.crt", "ca.key", "localhost.crt", "localhost.key"])
        let openssl = "cd '\(folder.path)' && openssl"
        let script = """
            set -e
            \(openssl) verify -CAfile ca.crt -verify_hostname localhost -verify_ip 127.0.0.1 localhost.crt
            openssl req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout evil.key -out evil.csr -subj /CN=x
            echo subjectAltName=DNS:bank.example >evil.ext
            openssl x509 -req -in evil.csr -CA ca.crt -CAkey ca.key -days 1 -extfile evil.ext -out evil.crt
            ! openssl verify -CAfile ca.crt evil.crt
            """
        let check = try ChildProcess("bash", ["-c", script], name: "openssl")
        #expect(try await check.waitForExit() == 0, "\(check.log)")
        #expect(check.log.contains("permitted subtree violation"), "\(check.log)")
    }

    @Test("make cluster TLS=1: the printed addresses work with its authority, and everything ends with it")
    func script() async throws {
        let folder = Folder()
        // The second node's admin port is the one behind the first's.
        var (port, admin, next) = (FreePort.take(), FreePort.take(), FreePort.take())
        while next != admin + 1 { (port, admin, next) = (admin, next, FreePort.take()) }
        let cluster = try ChildProcess(
            Repository.path + "/Deploy/cluster", [],
            environment: [
                "TLS": "1", "TLS_DIR": folder.path, "NODES": "2", "PORT": "\(port)", "ADMIN": "\(admin)",
                "FANFARE_BINARY": FanfareBinary.path,
            ], name: "cluster")
        try await eventually(within: .seconds(60), "it is up\n\(cluster.log)") {
            guard cluster.isRunning else { throw NotInTime(what: "the cluster has ended\n\(cluster.log)") }
            return cluster.log.contains("Ctrl-C stops everything")
        }
        #expect(cluster.log.contains("https://127.0.0.1:\(port)/"))
        #expect(cluster.log.contains("wss://127.0.0.1:\(port)/connection/websocket"))
        let tls = try TLSClient(caFile: folder.path + "/ca.crt")
        let one = try await WebSocketClient.connect(port, "/channels/a/ws?route=1", tls: tls)
        try await one.send("hello")
        #expect(try await one.nextText() == "hello")
        let curl = try ChildProcess(
            "curl",
            [
                "-sS", "--http2", "--noproxy", "*", "--cacert", folder.path + "/ca.crt", "-o", "/dev/null", "-w",
                "HTTP/%{http_version} %{http_code}", "https://localhost:\(port)/",
            ], name: "curl")
        #expect(try await curl.waitForExit() == 0, "\(curl.log)")
        #expect(curl.log.contains("HTTP/2 200"), "\(curl.log)")
        await one.close()
        cluster.signal(SIGINT)
        #expect(try await cluster.waitForExit() == 0, "\(cluster.log)")
    }
}
