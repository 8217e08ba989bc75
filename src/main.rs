use scacheck::mirror::store::Store; use scacheck::sync::nightly;
fn main(){ let a:Vec<String>=std::env::args().collect(); let s=Store::at(a[2].as_ref());
 let r=nightly::run(&s,&nightly::Options{nvd:a[1].clone(),years:2002..=2026,full:false,now:"2026-11-23T00:00:00Z".into(),holder:"x".into()},&mut |_|{}); println!("{r:?}"); }
